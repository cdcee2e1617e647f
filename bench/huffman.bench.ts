import type { Runtime } from '../bindings/runtime/runtime.js'
import { decodeFrame } from '../tests/oracles/huffman.js'
import type { BenchCase, Prepared } from './harness.js'
import { gaussianBytes, skewedBytes } from './problems.js'

/** One block: what stays in the second-level cache. */
const BLOCK = 2 ** 18

/** A block's kernels on resident data, without the copies of an op; bench:peers measures the ops. */
function prepare({ allocator, kernels, memory }: Runtime, x: Uint8Array, kernel: Kernel): Prepared {
  const xp = allocator.allocate(BLOCK)
  const cp = allocator.allocate(1024)
  const fp = allocator.allocate(BLOCK + 2048)
  const encoderState = allocator.allocate(2304 + 512 * 1024)
  const decoderState = allocator.allocate(41_024)
  memory.u8.set(x, xp)
  const encode = (): number => {
    memory.u8.fill(0, encoderState, encoderState + 256)
    return kernels.u8_huf_encode_block(xp, fp, encoderState, BLOCK, 0)
  }
  const frameBytes = Math.ceil(encode() / 8)
  const decode = (): void => {
    memory.u8.fill(0, decoderState, decoderState + 256)
    kernels.u8_huf_decode_block(fp, xp, decoderState, frameBytes, BLOCK, 0)
  }
  if (kernel === 'u8_huf_decode') memory.u8.fill(0, xp, xp + BLOCK)
  return {
    run: {
      u8_histogram: () => kernels.u8_histogram(xp, cp, BLOCK),
      u8_huf_encode: encode,
      u8_huf_decode: decode,
    }[kernel],
    exact() {
      if (kernel === 'u8_histogram') {
        const counts = new Uint32Array(256)
        for (const symbol of x) counts[symbol]!++
        return counts.every((count, symbol) => memory.u32[(cp >>> 2) + symbol] === count)
      }
      if (kernel === 'u8_huf_decode') return Buffer.compare(memory.u8.subarray(xp, xp + BLOCK), x) === 0
      // The frame of one block: 2^18 in LEB128, and the bits.
      const frame = new Uint8Array(3 + frameBytes)
      frame.set([0x80, 0x80, 0x10])
      frame.set(memory.u8.subarray(fp, fp + frameBytes), 3)
      return Buffer.compare(Uint8Array.from(decodeFrame(frame)), x) === 0
    },
    dispose: () => [xp, cp, fp, encoderState, decoderState].forEach((p) => allocator.release(p)),
  }
}

type Kernel = 'u8_histogram' | 'u8_huf_encode' | 'u8_huf_decode'

export const cases: BenchCase[] = (
  [
    ['int8 of a Gaussian', gaussianBytes],
    ['5-bit skewed', skewedBytes],
  ] as const
).flatMap(([shape, make]) =>
  (['u8_histogram', 'u8_huf_encode', 'u8_huf_decode'] as const).map((kernel) => ({
    kernel,
    shape: `${shape}, 256 KiB`,
    unit: 'GB/s' as const,
    work: BLOCK,
    peak: 'copy' as const,
    prepare: (runtime: Runtime) => prepare(runtime, make(BLOCK), kernel),
  })),
)
