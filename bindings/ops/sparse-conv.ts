import { toCsr } from '../formats/csr.js'
import { WINDOW_BYTES, writeWindow } from '../kernels/window.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkOptions, checkTypedArray } from '../validate.js'
import {
  checkGeometry,
  chunkRows,
  CONV_KEYS,
  ConvWeights,
  tapsFirst,
  type CheckedGeometry,
  type ConvOptions,
  type F32Conv,
} from './conv.js'
import { addressOf, checkSlot, type Slot } from './slot.js'
import { packSparse, spmmAt, type SparseWeights } from './spmm.js'

/** A convolution whose weights are mostly zero, as a sparse matrix over the windows of the image. */
export class SparseConvWeights extends ConvWeights {
  readonly matrix: SparseWeights

  constructor(runtime: Runtime, geometry: CheckedGeometry, matrix: SparseWeights) {
    super(runtime, geometry, [matrix])
    this.matrix = matrix
  }
}

/**
 * Packs the non-zero weights of a convolution of one group.
 *
 * @throws TypeError, RangeError for parts that do not fit each other; CapacityError when memory is short
 * @see ONNX Conv
 */
export function packSparseConv(runtime: Runtime, conv: F32Conv): SparseConvWeights {
  checkOptions('conv', conv, CONV_KEYS)
  const geometry = checkGeometry(conv)
  const { data, bias } = conv
  const { outChannels, groupChannels, group, window } = geometry
  if (group !== 1) throw new RangeError(`"group" expected 1, got ${group}`)
  const depth = window.taps * groupChannels
  checkTypedArray('data', data, 'Float32Array', outChannels * depth)
  const rows = { data: tapsFirst(data, geometry, 0), shape: [outChannels, depth] }
  const csr = toCsr({ kind: 'dense', dtype: 'float32', ...rows })
  return new SparseConvWeights(runtime, geometry, packSparse(runtime, csr, bias))
}

const DEFAULTS: ConvOptions = {}

/**
 * `out [N, oH, oW, Cout] = clamp(bias + conv(input [N, H, W, Cin]))`, both slots f32. For finite data the bits, but for
 * the sign of zero, of `f32Conv`. Allocates nothing once the scratch arena has grown.
 *
 * @throws RangeError if the shape does not fit the weights or a slot
 */
export function sparseConv(
  weights: SparseConvWeights,
  input: Slot,
  inputShape: readonly number[],
  out: Slot,
  options: ConvOptions = DEFAULTS,
): void {
  const { min = -Infinity, max = Infinity } = options
  const { window, runtime, outChannels, matrix } = weights
  weights.fit(inputShape)
  const { batch, channels } = window
  const pixels = batch * window.outPixels
  checkSlot('input', input, batch * window.height * window.width * channels * 4)
  checkSlot('out', out, pixels * outChannels * 4)
  const from = addressOf(input)
  const to = addressOf(out)
  if (pixels === 0) return
  // Of one group, rows that lie in the image as they are have no gaps between them.
  if (weights.rowStride > 0) return spmmAt(matrix, from, to, pixels, 'rows', min, max)
  const { kernels, memory, scratch } = runtime
  const depth = window.taps * channels
  const rows = chunkRows(depth * 4, pixels)
  const mark = scratch.mark()
  try {
    const pointer = scratch.take(WINDOW_BYTES)
    const gathered = scratch.take(rows * depth * 4)
    writeWindow(memory, pointer, window)
    for (let first = 0; first < pixels; first += rows) {
      const m = Math.min(rows, pixels - first)
      kernels.x8_im2col(pointer, from, channels * 4, channels * 4, 0, first, m, gathered)
      spmmAt(matrix, gathered, to + first * outChannels * 4, m, 'rows', min, max)
    }
  } finally {
    scratch.release(mark)
  }
}
