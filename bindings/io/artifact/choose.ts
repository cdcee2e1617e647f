import type { GapCode } from '../../formats/gaps.js'
import { encodeGaps } from '../../ops/gaps.js'
import { concat } from './entries.js'
import { encodeContext } from './choose-context.js'
import { slowerCoding, type SequenceCoding } from './sequence.js'
import { encodeSequence, measureSequence, putCount, type Runtime } from './sequence-codec.js'

/** The smallest form found for the symbols of a weight. */
export interface Choice {
  readonly layout: 'dense' | 'sparse'
  readonly coding: SequenceCoding
  readonly bytes: number
  readonly sparse: { readonly zero: number; readonly bits: number } | undefined
  /** The sequences as they stand in the entry. */
  encode(): Uint8Array
}

/** What the context code has to save: it decodes ten symbols in the time in which Huffman decodes a thousand. */
const CONTEXT_WORTH = 1 / 32

/** Measures all forms in which the symbols of a weight can be stored, exactly, and takes the smallest. */
export function chooseForm(
  symbols: Uint8Array,
  shape: readonly number[],
  allowed: readonly SequenceCoding[],
  runtime: Runtime,
): Choice {
  const { coding, bytes } = measureSequence(symbols, allowed, runtime)
  const dense: Choice = {
    layout: 'dense',
    coding,
    bytes,
    sparse: undefined,
    encode: () => encodeSequence(symbols, coding, runtime),
  }
  const common = commonest(symbols)
  const sparse = chooseSparse(symbols, common, allowed, runtime)
  const best = sparse !== undefined && sparse.bytes < bytes ? sparse : dense
  if (!allowed.includes('context')) return best
  const most = Math.floor(best.bytes * (1 - CONTEXT_WORTH))
  const context = encodeContext(symbols, shape, common.symbol, most, runtime)
  if (context === undefined) return best
  return {
    layout: 'dense',
    coding: 'context',
    bytes: context.length,
    sparse: undefined,
    encode: () => context,
  }
}

function chooseSparse(
  symbols: Uint8Array,
  { symbol: zero, count }: { symbol: number; count: number },
  allowed: readonly SequenceCoding[],
  runtime: Runtime,
): Choice | undefined {
  // A dense Huffman code spends one bit on a symbol so common, which gaps cannot undercut below this.
  if (count * 2 < symbols.length || symbols.length === 0) return undefined
  let values: { coding: SequenceCoding; bytes: number } | undefined
  let best: Choice | undefined
  for (let bits = 3; bits <= 8; bits++) {
    const code: GapCode = encodeGaps(symbols, { zero, bits, ...(runtime === undefined ? {} : { runtime }) })
    values ??= measureSequence(code.values, allowed, runtime)
    const gaps = measureSequence(code.gaps, allowed, runtime)
    const head: number[] = []
    putCount(head, values.bytes)
    const bytes = head.length + values.bytes + gaps.bytes
    if (best !== undefined && bytes >= best.bytes) continue
    const valuesCoding = values.coding
    best = {
      layout: 'sparse',
      coding: slowerCoding(valuesCoding, gaps.coding),
      bytes,
      sparse: { zero, bits },
      encode: () =>
        concat(
          Uint8Array.from(head),
          encodeSequence(code.values, valuesCoding, runtime),
          encodeSequence(code.gaps, gaps.coding, runtime),
        ),
    }
  }
  return best
}

function commonest(symbols: Uint8Array): { symbol: number; count: number } {
  const counts = new Uint32Array(256)
  for (let i = 0; i < symbols.length; i++) counts[symbols[i]!]!++
  const symbol = counts.indexOf(counts.reduce((most, count) => Math.max(most, count), 0))
  return { symbol, count: counts[symbol]! }
}
