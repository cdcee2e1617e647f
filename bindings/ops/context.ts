import { FormatError } from '../errors.js'
import { defaultRuntime } from '../runtime/default.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkStatus, Status } from '../runtime/status.js'

/** How a matrix of symbols looks to the context coder. */
export interface ContextShape {
  /** Symbols of a row. */
  readonly columns: number
  /** 2 or more: how far back in the row a further neighbour lies, such as the pixel above in a row of pixels. */
  readonly distance: number
  /** The symbol that has a decision of its own. */
  readonly zero: number
  /** Bits of a symbol, 1 to 8. */
  readonly width: number
}

/**
 * Codes symbols with adaptive contexts, or gives up with undefined where they would take more than `maxBytes`.
 *
 * @see FORMAT.md#context-code
 */
export function contextEncode(
  symbols: Uint8Array,
  shape: ContextShape,
  maxBytes: number,
  runtime: Runtime = defaultRuntime(),
): Uint8Array | undefined {
  const { kernels, memory, scratch } = runtime
  const mark = scratch.mark()
  try {
    const x = scratch.take(symbols.length)
    const bytes = scratch.take(maxBytes)
    const state = scratch.take(kernels.u8_context_state_bytes(shape.width))
    memory.u8.set(symbols, x)
    const { columns, distance, zero, width } = shape
    const size = kernels.u8_context_code(
      x,
      bytes,
      state,
      symbols.length,
      maxBytes,
      columns,
      distance,
      zero,
      width,
      0,
    )
    return size === Status.overflow ? undefined : memory.u8.slice(bytes, bytes + size)
  } finally {
    scratch.release(mark)
  }
}

/** @throws FormatError if the bytes are not the code of `count` symbols */
export function contextDecode(
  what: string,
  bytes: Uint8Array,
  count: number,
  { columns, distance, zero, width }: ContextShape,
  runtime: Runtime = defaultRuntime(),
): Uint8Array {
  if (width < 1 || width > 8 || zero >> width !== 0 || columns < 1 || distance < 2) {
    throw new FormatError('corrupt', `${what}: the contexts are not valid`)
  }
  const { kernels, memory, scratch } = runtime
  const mark = scratch.mark()
  try {
    const x = scratch.take(count)
    const from = scratch.take(bytes.length)
    const state = scratch.take(kernels.u8_context_state_bytes(width))
    memory.u8.set(bytes, from)
    const status = kernels.u8_context_code(
      x,
      from,
      state,
      count,
      bytes.length,
      columns,
      distance,
      zero,
      width,
      1,
    )
    checkStatus(what, status)
    return memory.u8.slice(x, x + count)
  } finally {
    scratch.release(mark)
  }
}
