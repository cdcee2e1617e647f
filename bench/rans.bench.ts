import type { Runtime } from '../bindings/runtime/runtime.js'
import { decodeRansFrame } from '../tests/oracles/rans.js'
import type { BenchCase, Prepared } from './harness.js'
import { gaussianBytes, skewedBytes } from './problems.js'

/** One block. */
const BLOCK = 2 ** 18

/** A block's kernels on resident data, without the copies of an op; bench:peers measures the ops. */
function prepare({ allocator, kernels, memory }: Runtime, x: Uint8Array, kernel: Kernel): Prepared {
  const input = allocator.allocate(BLOCK)
  const output = allocator.allocate(BLOCK)
  const coded = allocator.allocate(1.5 * BLOCK + 2048)
  const state = allocator.allocate(512)
  memory.u8.set(x, input)
  const encode = (): number => {
    memory.u8.fill(0, state, state + 512)
    return kernels.u8_rans_encode_block(input, coded, state, BLOCK)
  }
  const bytes = encode()
  return {
    run: {
      u8_rans_encode: encode,
      u8_rans_decode: () => kernels.u8_rans_decode_block(coded, output, state, bytes, BLOCK),
    }[kernel],
    exact() {
      if (kernel === 'u8_rans_decode') {
        return Buffer.compare(memory.u8.subarray(output, output + BLOCK), x) === 0
      }
      // The frame of one block: 2^18 in LEB128, and the block.
      const frame = new Uint8Array(3 + bytes)
      frame.set([0x80, 0x80, 0x10])
      frame.set(memory.u8.subarray(coded, coded + bytes), 3)
      return Buffer.compare(Uint8Array.from(decodeRansFrame(frame)), x) === 0
    },
    dispose: () => [input, output, coded, state].forEach((pointer) => allocator.release(pointer)),
  }
}

type Kernel = 'u8_rans_encode' | 'u8_rans_decode'

export const cases: BenchCase[] = (
  [
    ['int8 of a Gaussian', gaussianBytes],
    ['5-bit skewed', skewedBytes],
  ] as const
).flatMap(([shape, make]) =>
  (['u8_rans_encode', 'u8_rans_decode'] as const).map((kernel) => ({
    kernel,
    shape: `${shape}, 256 KiB`,
    unit: 'GB/s' as const,
    work: BLOCK,
    peak: 'copy' as const,
    prepare: (runtime: Runtime) => prepare(runtime, make(BLOCK), kernel),
  })),
)
