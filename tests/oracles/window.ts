import { bounded } from './gemm.js'

/** A window over images [N, H, W, C]; heights first, pads top, left, bottom, right. */
export interface Sliding {
  readonly input: readonly [number, number, number, number]
  readonly kernel: readonly [number, number]
  readonly strides: readonly [number, number]
  readonly pads: readonly [number, number, number, number]
  readonly dilations: readonly [number, number]
  readonly ceilMode?: boolean
}

/** Counts where a window can begin: inside the padded image, and not wholly behind the image if sizes round up. */
function positions(
  size: number,
  kernel: number,
  stride: number,
  dilation: number,
  before: number,
  after: number,
  ceil: boolean,
): number {
  let count = 0
  for (let start = -before; ; start += stride) {
    const last = start + (kernel - 1) * dilation
    const fits = last < size + after
    const reaches = last - stride + 1 < size + after && start < size
    if (fits || (ceil && reaches)) count++
    else return count
  }
}

export function outputSize({
  input,
  kernel,
  strides,
  pads,
  dilations,
  ceilMode = false,
}: Sliding): [number, number] {
  return [
    positions(input[1], kernel[0], strides[0], dilations[0], pads[0], pads[2], ceilMode),
    positions(input[2], kernel[1], strides[1], dilations[1], pads[1], pads[3], ceilMode),
  ]
}

/** Index of element (n, y, x, c), or -1 outside the image. */
function at(
  [, height, width, channels]: Sliding['input'],
  n: number,
  y: number,
  x: number,
  c: number,
): number {
  if (y < 0 || y >= height || x < 0 || x >= width) return -1
  return ((n * height + y) * width + x) * channels + c
}

/** Calls `visit` for each output (n, oy, ox), in row-major order, with a function from tap and channel to input index. */
function eachOutput(
  s: Sliding,
  visit: (find: (i: number, j: number, c: number) => number, y: number, x: number) => void,
): void {
  const [outHeight, outWidth] = outputSize(s)
  for (let n = 0; n < s.input[0]; n++) {
    for (let oy = 0; oy < outHeight; oy++) {
      for (let ox = 0; ox < outWidth; ox++) {
        const y = oy * s.strides[0] - s.pads[0]
        const x = ox * s.strides[1] - s.pads[1]
        visit((i, j, c) => at(s.input, n, y + i * s.dilations[0], x + j * s.dilations[1], c), y, x)
      }
    }
  }
}

/** Calls `visit` for each output value with its channel and the operands of its products, in the order (kh, kw, cin). */
function eachSum(
  s: Sliding,
  outChannels: number,
  group: number,
  padding: number,
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  visit: (channel: number, products: readonly (readonly [number, number])[]) => void,
): void {
  const [kh, kw] = s.kernel
  const groupChannels = s.input[3] / group
  const groupOutputs = outChannels / group
  eachOutput(s, (find) => {
    for (let o = 0; o < outChannels; o++) {
      const firstChannel = Math.floor(o / groupOutputs) * groupChannels
      const products: [number, number][] = []
      for (let i = 0; i < kh; i++) {
        for (let j = 0; j < kw; j++) {
          for (let c = 0; c < groupChannels; c++) {
            const index = find(i, j, firstChannel + c)
            const weight = w[((o * groupChannels + c) * kh + i) * kw + j]!
            products.push([index < 0 ? padding : x[index]!, weight])
          }
        }
      }
      visit(o, products)
    }
  })
}

export interface ConvCase extends Sliding {
  readonly outChannels: number
  readonly group: number
}

/** f32: starts from the bias; every product and sum is rounded; a tap in the padding is 0 * w. w [Cout, Cin / group, kH, kW]. */
export function convolveF32(
  s: ConvCase,
  x: ArrayLike<number>,
  w: ArrayLike<number>,
  bias: ArrayLike<number> | undefined,
  low = -Infinity,
  high = Infinity,
): number[] {
  const result: number[] = []
  eachSum(s, s.outChannels, s.group, 0, x, w, (o, products) => {
    let sum = bias?.[o] ?? 0
    for (const [value, weight] of products) sum = Math.fround(sum + Math.fround(value * weight))
    result.push(bounded(sum, low, high))
  })
  return result
}

/** Exact sums of (x - zeroPoint) * w; padding holds the zero point. */
export function convolveInteger(
  s: ConvCase,
  x: ArrayLike<number>,
  zeroPoint: number,
  w: ArrayLike<number>,
): number[] {
  const result: number[] = []
  eachSum(s, s.outChannels, s.group, zeroPoint, x, w, (_, products) => {
    result.push(products.reduce((sum, [value, weight]) => sum + (value - zeroPoint) * weight, 0))
  })
  return result
}

/** The first of the greatest elements, or NaN if there is one; `least` if the window meets nothing. */
export function maxPool(s: Sliding, x: ArrayLike<number>, least: number): number[] {
  const result: number[] = []
  eachOutput(s, (find) => {
    for (let c = 0; c < s.input[3]; c++) {
      let greatest = least
      for (let i = 0; i < s.kernel[0]; i++) {
        for (let j = 0; j < s.kernel[1]; j++) {
          const value = find(i, j, c) < 0 ? least : x[find(i, j, c)]!
          if (!Number.isNaN(greatest) && !(value <= greatest)) greatest = value
        }
      }
      result.push(greatest)
    }
  })
  return result
}

/** Sum in the order (kh, kw), each addition rounded, divided by the taps inside the image, or inside the padded image. */
export function averagePool(s: Sliding, x: ArrayLike<number>, countPadding: boolean): number[] {
  const result: number[] = []
  const height = s.input[1] + s.pads[2]
  const width = s.input[2] + s.pads[3]
  eachOutput(s, (find, y, x0) => {
    for (let c = 0; c < s.input[3]; c++) {
      let sum = 0
      let count = 0
      for (let i = 0; i < s.kernel[0]; i++) {
        for (let j = 0; j < s.kernel[1]; j++) {
          const index = find(i, j, c)
          if (index >= 0) sum = Math.fround(sum + x[index]!)
          const padded = y + i * s.dilations[0] < height && x0 + j * s.dilations[1] < width
          if (index >= 0 || (countPadding && padded)) count++
        }
      }
      result.push(Math.fround(sum / count))
    }
  })
  return result
}
