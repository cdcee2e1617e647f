import type { CodebookTensor } from '../formats/codebook.js'
import { codesOf, csrInOrder } from '../formats/csr.js'
import type { Tensor } from '../formats/tensor.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkOptions, checkTypedArray } from '../validate.js'
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
import { packSparse, spmmAt, type SparseWeights } from './spmm.js'

/** A convolution whose weights are mostly zero, as a sparse matrix over the windows of the image. */
export class SparseConvWeights extends ConvWeights {
  readonly matrix: SparseWeights

  constructor(runtime: Runtime, geometry: CheckedGeometry, matrix: SparseWeights) {
    super(runtime, geometry, [matrix])
    this.matrix = matrix
  }
}

export interface SparseConv extends ConvGeometry {
  /** float32 values or indices of a codebook: as many as `shape` says. */
  readonly weight: Tensor<'float32'> | CodebookTensor
}

/**
 * Packs the non-zero weights of a convolution of one group.
 *
 * @throws TypeError, RangeError for parts that do not fit each other; CapacityError when memory is short
 * @see ONNX Conv
 */
export function packSparseConv(runtime: Runtime, conv: SparseConv): SparseConvWeights {
  checkOptions('conv', conv, ['weight', ...GEOMETRY_KEYS])
  const geometry = checkGeometry(conv)
  const { weight, bias } = conv
  const { outChannels, groupChannels, group, window } = geometry
  if (group !== 1) throw new RangeError(`"group" expected 1, got ${group}`)
  const rowStep = window.taps * groupChannels
  const kind = weight.kind === 'codebook' ? 'Uint8Array' : 'Float32Array'
  checkTypedArray('weight', codesOf(weight).codes, kind, outChannels * rowStep)
  // Columns are taps, then channels: as the windows of an image lie in memory.
  const columns = Uint32Array.from(
    { length: rowStep },
    (_, at) => (at % groupChannels) * window.taps + Math.floor(at / groupChannels),
  )
  const csr = csrInOrder(weight, { rows: outChannels, rowStep, columns })
  return new SparseConvWeights(runtime, geometry, packSparse(runtime, csr, bias))
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
