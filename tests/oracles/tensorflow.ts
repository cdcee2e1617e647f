/**
 * TensorFlow's operators on images by the letter: [batch, height, width, channels], one plain loop each, in float64, with
 * the padding that "SAME" means (tensorflow.org/api_docs/python/tf/nn, "Notes on padding").
 */

export interface Image {
  readonly shape: readonly number[]
  readonly data: ArrayLike<number>
}

export interface Window {
  readonly kernel: readonly [number, number]
  readonly strides: readonly [number, number]
  readonly dilations?: readonly [number, number]
  readonly same: boolean
}

/** The size of the output along one axis, and the padding before it. */
function span(input: number, kernel: number, stride: number, dilation: number, same: boolean) {
  const extent = (kernel - 1) * dilation + 1
  if (!same) return { output: Math.ceil((input - extent + 1) / stride), before: 0 }
  const output = Math.ceil(input / stride)
  const total = Math.max((output - 1) * stride + extent - input, 0)
  return { output, before: Math.floor(total / 2) }
}

/** Calls back with every pixel under the window, inside the image, for every place of the window. */
function slide(
  { shape }: Image,
  { kernel, strides, dilations = [1, 1], same }: Window,
  visit: (at: { n: number; y: number; x: number; i: number; j: number; row: number; column: number }) => void,
): [height: number, width: number] {
  const [batch, height, width] = shape as [number, number, number]
  const rows = span(height, kernel[0], strides[0], dilations[0], same)
  const columns = span(width, kernel[1], strides[1], dilations[1], same)
  for (let n = 0; n < batch; n++)
    for (let y = 0; y < rows.output; y++)
      for (let x = 0; x < columns.output; x++)
        for (let i = 0; i < kernel[0]; i++)
          for (let j = 0; j < kernel[1]; j++) {
            const row = y * strides[0] - rows.before + i * dilations[0]
            const column = x * strides[1] - columns.before + j * dilations[1]
            if (row < 0 || row >= height || column < 0 || column >= width) continue
            visit({ n, y, x, i, j, row, column })
          }
  return [rows.output, columns.output]
}

const offset = (shape: readonly number[], ...index: number[]): number =>
  index.reduce((at, position, axis) => at * shape[axis]! + position, 0)

/** tf.nn.conv2d; the filter is [height, width, inputs, outputs]. */
export function conv2d(x: Image, filter: Image, window: Omit<Window, 'kernel'>): Image {
  const [kh, kw, inputs, outputs] = filter.shape as [number, number, number, number]
  return accumulate(x, { ...window, kernel: [kh, kw] }, outputs, (o, i, j) =>
    Array.from({ length: inputs }, (_, c) => [c, filter.data[offset(filter.shape, i, j, c, o)]!] as const),
  )
}

/** tf.nn.depthwise_conv2d; the filter is [height, width, channels, multiplier]. */
export function depthwiseConv2d(x: Image, filter: Image, window: Omit<Window, 'kernel'>): Image {
  const [kh, kw, channels, multiplier] = filter.shape as [number, number, number, number]
  return accumulate(x, { ...window, kernel: [kh, kw] }, channels * multiplier, (o, i, j) => {
    const c = Math.floor(o / multiplier)
    return [[c, filter.data[offset(filter.shape, i, j, c, o % multiplier)]!]]
  })
}

function accumulate(
  x: Image,
  window: Window,
  outputs: number,
  taps: (output: number, i: number, j: number) => readonly (readonly [channel: number, weight: number])[],
): Image {
  const [height, width] = slide(x, window, () => {})
  const shape = [x.shape[0]!, height, width, outputs]
  const data = new Float64Array(shape.reduce((a, b) => a * b, 1))
  slide(x, window, ({ n, y, x: column, i, j, row, column: from }) => {
    for (let o = 0; o < outputs; o++)
      for (const [c, weight] of taps(o, i, j))
        data[offset(shape, n, y, column, o)]! += x.data[offset(x.shape, n, row, from, c)]! * weight
  })
  return { shape, data }
}

/** tf.nn.max_pool2d and avg_pool2d, which leaves padding out of the mean. */
export function pool2d(x: Image, window: Window, kind: 'max' | 'average'): Image {
  const [height, width] = slide(x, window, () => {})
  const channels = x.shape[3]!
  const shape = [x.shape[0]!, height, width, channels]
  const size = shape.reduce((a, b) => a * b, 1)
  const data = new Float64Array(size).fill(kind === 'max' ? -Infinity : 0)
  const counts = new Float64Array(size)
  slide(x, window, ({ n, y, x: column, row, column: from }) => {
    for (let c = 0; c < channels; c++) {
      const at = offset(shape, n, y, column, c)
      const value = x.data[offset(x.shape, n, row, from, c)]!
      data[at] = kind === 'max' ? Math.max(data[at]!, value) : data[at]! + value
      counts[at]!++
    }
  })
  return { shape, data: kind === 'max' ? data : data.map((sum, i) => sum / counts[i]!) }
}

/**
 * tf.nn.conv2d_transpose: the gradient of conv2d with respect to its input, which has the shape `output`. The filter is
 * [height, width, outputs, inputs].
 */
export function conv2dTranspose(
  x: Image,
  filter: Image,
  output: readonly number[],
  window: Omit<Window, 'kernel'>,
): Image {
  const [kh, kw, outputs, inputs] = filter.shape as [number, number, number, number]
  const data = new Float64Array(output.reduce((a, b) => a * b, 1))
  slide({ shape: output, data }, { ...window, kernel: [kh, kw] }, ({ n, y, x: at, i, j, row, column }) => {
    for (let o = 0; o < outputs; o++)
      for (let c = 0; c < inputs; c++)
        data[offset(output, n, row, column, o)]! +=
          x.data[offset(x.shape, n, y, at, c)]! * filter.data[offset(filter.shape, i, j, o, c)]!
  })
  return { shape: output, data }
}
