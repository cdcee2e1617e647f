import { addressOf, checkSlot, type Slot } from './slot.js'

/** Sizes and options of one step of a recurrent cell. */
export interface CellOptions {
  /** Elements of the state of a sequence. */
  readonly hidden: number
  /** The functions of a gate see at most this, and at least its negative. */
  readonly clip: number
}

export interface LstmOptions extends CellOptions {
  /** The forget gate is what the input gate leaves of 1. */
  readonly coupled: boolean
}

/**
 * One step of an LSTM for `rows` sequences: `c` and `h` [rows, hidden] change in place.
 *
 * @param x the part of the gates that comes from the input, [rows, 4 * hidden], gates in ONNX's order i, o, f, c
 * @param r the part that comes from the state, likewise
 * @param p peepholes [3 * hidden] in the order i, o, f, if there are any
 * @see ONNX LSTM
 */
export function f32LstmCell(
  x: Slot,
  r: Slot,
  p: Slot | undefined,
  c: Slot,
  h: Slot,
  rows: number,
  { hidden, clip, coupled }: LstmOptions,
): void {
  const bytes = rows * hidden * 4
  checkSlot('x', x, 4 * bytes)
  checkSlot('r', r, 4 * bytes)
  checkSlot('c', c, bytes)
  checkSlot('h', h, bytes)
  if (p !== undefined) checkSlot('p', p, 3 * hidden * 4)
  const peepholes = p === undefined ? 0 : addressOf(p)
  h.handle.runtime.kernels.f32_lstm_cell(
    addressOf(x),
    addressOf(r),
    peepholes,
    addressOf(c),
    addressOf(h),
    rows,
    hidden,
    clip,
    coupled ? 1 : 0,
  )
}

/** Rows of a matrix, elements apart. */
export interface Rows {
  readonly slot: Slot
  readonly stride: number
}

function checkRows(name: string, { slot, stride }: Rows, rows: number, columns: number): void {
  checkSlot(name, slot, ((rows - 1) * stride + columns) * 4)
}

/**
 * The gates of a GRU for `rows` sequences, `x` [rows, 3 * hidden] in ONNX's order z, r, h: z takes the place of the first
 * third of `x`, and `out` becomes r times `state`, which may be the same rows.
 *
 * @param r the parts of z and r that come from the state
 */
export function f32GruGates(
  x: Slot,
  r: Rows,
  state: Rows,
  out: Rows,
  rows: number,
  { hidden, clip }: CellOptions,
): void {
  if (rows === 0) return
  checkSlot('x', x, rows * 3 * hidden * 4)
  checkRows('r', r, rows, 2 * hidden)
  checkRows('state', state, rows, hidden)
  checkRows('out', out, rows, hidden)
  x.handle.runtime.kernels.f32_gru_gates(
    addressOf(x),
    addressOf(r.slot),
    r.stride,
    addressOf(state.slot),
    state.stride,
    addressOf(out.slot),
    out.stride,
    rows,
    hidden,
    clip,
  )
}

/**
 * What follows `f32GruGates`: `h` [rows, hidden] changes in place.
 *
 * @param s the part of the candidate that comes from the state
 * @see ONNX GRU
 */
export function f32GruCell(x: Slot, s: Rows, h: Slot, rows: number, { hidden, clip }: CellOptions): void {
  if (rows === 0) return
  checkSlot('x', x, rows * 3 * hidden * 4)
  checkRows('s', s, rows, hidden)
  checkSlot('h', h, rows * hidden * 4)
  const { kernels } = h.handle.runtime
  kernels.f32_gru_cell(addressOf(x), addressOf(s.slot), s.stride, addressOf(h), rows, hidden, clip)
}
