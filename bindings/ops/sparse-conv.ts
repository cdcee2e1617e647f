import type { ElementOrder } from '../formats/csr.js'
import { elementCount } from '../formats/tensor.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkOptions } from '../validate.js'
import {
  checkGeometry,
  ConvWeights,
  GEOMETRY_KEYS,
  type CheckedGeometry,
  type ConvGeometry,
  type ConvOptions,
} from './conv-weights.js'
import { eachRowChunk } from './gather.js'
import { addressOf, type Slot } from './slot.js'
import { checkSparse, SparseWeights, spmmAt, type SparseMatrix } from './spmm.js'

/** A convolution whose weights are mostly zero, as a sparse matrix over the windows of the image. */
export class SparseConvWeights extends ConvWeights {
  readonly matrix: SparseWeights

  constructor(runtime: Runtime, geometry: CheckedGeometry, matrix: SparseWeights) {
    super(runtime, geometry, [matrix])
    this.matrix = matrix
  }
}

export interface SparseConv extends ConvGeometry {
  /** [Cout, (kH, kW, Cin)] in the order of `convOrder`. */
  readonly matrix: SparseMatrix
}

/** Where a convolution's weights [Cout, Cin, kH, kW] lie as a matrix whose columns are taps, then channels, as those of images. */
export function convOrder([rows = 0, channels = 0, ...window]: readonly number[]): ElementOrder {
  const taps = elementCount(window)
  const columns = Uint32Array.from(
    { length: taps * channels },
    (_, at) => (at % channels) * taps + Math.floor(at / channels),
  )
  return { rows, rowStep: columns.length, columns }
}

/**
 * Packs the non-zero weights of a convolution of one group.
 *
 * @throws TypeError, RangeError for parts that do not fit each other; CapacityError when memory is short
 * @see ONNX Conv
 */
export function packSparseConv(runtime: Runtime, conv: SparseConv): SparseConvWeights {
  checkOptions('conv', conv, ['matrix', ...GEOMETRY_KEYS])
  const geometry = checkGeometry(conv)
  const { matrix, bias } = conv
  const { outChannels, groupChannels, group, window } = geometry
  if (group !== 1) throw new RangeError(`"group" expected 1, got ${group}`)
  const depth = window.taps * groupChannels
  checkSparse('matrix', matrix, bias)
  if (matrix.rows !== outChannels || matrix.cols !== depth) {
    throw new RangeError(`"matrix" expected ${outChannels} x ${depth}, got ${matrix.rows} x ${matrix.cols}`)
  }
  return new SparseConvWeights(runtime, geometry, new SparseWeights(runtime, matrix, bias))
}

const DEFAULTS: ConvOptions = {}

/**
 * `out [N, oH, oW, Cout] = clamp(bias + conv(input [N, H, W, Cin]))`, both slots f32. For finite data the bits, but for
 * the sign of zero, of `f32Conv`. Takes no more memory once the scratch arena has
 * grown.
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
  weights.fit(inputShape)
  weights.checkSlots(input, 4, out, 4)
  const { window, outChannels, matrix } = weights
  if (window.batch * window.outPixels === 0) return
  const to = addressOf(out)
  // Of one group, rows that lie in the image as they are have no gaps between them.
  eachRowChunk(weights, addressOf(input), 4, 0, (a, _lda, _group, first, m) => {
    spmmAt(matrix, a, to + first * outChannels * 4, m, 'rows', min, max)
  })
}
