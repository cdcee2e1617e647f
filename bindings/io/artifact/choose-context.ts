import { MAX_SYMBOLS_A_CONTEXT_BYTE } from '../../limits.js'
import { contextEncode, type ContextShape } from '../../ops/context.js'
import { putCount, widthOf, type Runtime } from './sequence-codec.js'

/** Beyond, writing and reading would take seconds. */
const MOST_SYMBOLS = 2 ** 22

/** What candidates are tried on. */
const TRIAL_SYMBOLS = 2 ** 17

const FARTHEST = 64

/** The sequence of a whole weight in a context code; undefined if it would take `maxBytes` or more. */
export function encodeContext(
  symbols: Uint8Array,
  shape: readonly number[],
  zero: number,
  maxBytes: number,
  runtime: Runtime,
): Uint8Array | undefined {
  const { length } = symbols
  if (length === 0 || length > MOST_SYMBOLS) return undefined
  const columns = shape.length > 1 ? length / shape[0]! : length
  const trial = symbols.subarray(0, TRIAL_SYMBOLS)
  const base = { columns, zero, width: widthOf(symbols) }
  let best = { distance: 2, size: Infinity }
  for (const distance of candidates(trial, shape, columns, zero)) {
    const size = contextEncode(trial, { ...base, distance }, trial.length, runtime)?.length ?? Infinity
    if (size < best.size) best = { distance, size }
  }
  // The rest goes better than the beginning, while the cells learn, but not by that much.
  if (best.size * length > 1.2 * maxBytes * trial.length) return undefined
  const context = { ...base, distance: best.distance }
  const head = headOf(length, context)
  const code = contextEncode(symbols, context, Math.max(maxBytes - head.length - 1, 0), runtime)
  if (code === undefined || code.length * MAX_SYMBOLS_A_CONTEXT_BYTE < length) return undefined
  const bytes = new Uint8Array(head.length + code.length)
  bytes.set(head)
  bytes.set(code, head.length)
  return bytes
}

function headOf(count: number, { zero, width, columns, distance }: ContextShape): Uint8Array {
  const head = [10]
  putCount(head, count)
  head.push(zero, width)
  putCount(head, columns)
  putCount(head, distance)
  return Uint8Array.from(head)
}

/** Distances at which neighbours may lie: where the weights show it, or as kernels and square pictures have it. */
function candidates(
  symbols: Uint8Array,
  shape: readonly number[],
  columns: number,
  zero: number,
): Set<number> {
  let distance = 2
  let most = -1
  for (let d = 2; d <= Math.min(FARTHEST, columns - 1); d++) {
    let both = 0
    for (let i = d; i < symbols.length; i++) both += Number(symbols[i] !== zero && symbols[i - d] !== zero)
    const share = both / (symbols.length - d)
    if (share > most) {
      most = share
      distance = d
    }
  }
  const side = Math.sqrt(columns)
  const all = [distance, distance - 1, distance + 1, shape.at(-1)!, Number.isInteger(side) ? side : 2]
  return new Set(all.filter((d) => d >= 2 && d <= columns))
}
