import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'

export function transposeKernels(memory: LinearMemory): Pick<Kernels, 'x8_copy_rows' | 'x32_transpose'> {
  return {
    x8_copy_rows(x, xStride, y, yStride, rows, rowBytes) {
      const { u8 } = memory
      for (let row = 0; row < rows; row++) {
        const from = x + row * xStride
        u8.copyWithin(y + row * yStride, from, from + rowBytes)
      }
    },

    x32_transpose(x, xStride, y, yStride, rows, columns) {
      // As i32: a NaN that passes through a number may lose its payload.
      const { i32 } = memory
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          i32[(y >>> 2) + column * yStride + row] = i32[(x >>> 2) + row * xStride + column]!
        }
      }
    },
  }
}
