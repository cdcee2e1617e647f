import type { Tensor } from '../formats/tensor.js'
import { elementCount } from '../formats/tensor.js'
import { windowsOf, type Windows } from '../graph/windows.js'
import type { Layer } from './layers.js'

/**
 * Row-major rows, each of them what one output position of a layer reads: for a Conv, the window, group after
 * group.
 */
export interface Rows {
  readonly data: Float32Array
  readonly count: number
}

/**
 * Takes rows of a layer's input, one from each of `most` equal spans of its positions; all of them where there are
 * no more. Positions of an image are alike, so a fixed stride could meet the same few pixels every time.
 *
 * @param random uniform in [0, 1); the same sequence takes the same rows
 */
export function takeRows(layer: Layer, x: Tensor<'float32'>, most: number, random: () => number): Rows {
  const source = layer.node.op === 'Conv' ? convolutionRows(layer, x) : matrixRows(layer, x)
  const count = Math.min(source.count, most)
  const width = layer.groups * layer.cols
  const data = new Float32Array(count * width)
  for (let i = 0; i < count; i++) {
    const position = count === source.count ? i : Math.floor(((i + random()) * source.count) / count)
    source.copy(position, data, i * width)
  }
  return { data, count }
}

interface RowSource {
  readonly count: number
  copy(position: number, to: Float32Array, at: number): void
}

function matrixRows({ cols }: Layer, { data }: Tensor<'float32'>): RowSource {
  return {
    count: data.length / cols,
    copy(position, to, at) {
      to.set(data.subarray(position * cols, (position + 1) * cols), at)
    },
  }
}

/** [N, C, ...spatial]: a position is an image and a place of the window; padding reads 0. */
function convolutionRows({ node, shape }: Layer, { shape: from, data }: Tensor<'float32'>): RowSource {
  const channels = from[1]!
  const spatial = from.slice(2)
  const windows = windowsOf(node, spatial, shape.slice(2))
  const places = elementCount(windows.output)
  const pixels = elementCount(spatial)
  const taps = elementCount(windows.kernel)
  const offsets = new Int32Array(taps)
  return {
    count: from[0]! * places,
    copy(position, to, at) {
      tapOffsets(windows, spatial, position % places, offsets)
      const image = Math.floor(position / places) * channels * pixels
      for (let c = 0; c < channels; c++) {
        for (let t = 0; t < taps; t++) {
          const offset = offsets[t]!
          to[at++] = offset < 0 ? 0 : data[image + c * pixels + offset]!
        }
      }
    },
  }
}

/** Pixel index of each tap of the window at a place, -1 for one in the padding. */
function tapOffsets(windows: Windows, spatial: readonly number[], place: number, offsets: Int32Array): void {
  const { kernel, strides, dilations, padsBegin, output } = windows
  offsets.fill(0)
  let scale = 1
  let run = 1
  for (let axis = spatial.length - 1; axis >= 0; axis--) {
    const start = (place % output[axis]!) * strides[axis]! - padsBegin[axis]!
    place = Math.floor(place / output[axis]!)
    for (let t = 0; t < offsets.length; t++) {
      const at = start + (Math.floor(t / run) % kernel[axis]!) * dilations[axis]!
      if (at < 0 || at >= spatial[axis]!) offsets[t] = -1
      else if (offsets[t]! >= 0) offsets[t]! += at * scale
    }
    scale *= spatial[axis]!
    run *= kernel[axis]!
  }
}
