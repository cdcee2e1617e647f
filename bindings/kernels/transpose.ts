import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'

export function transposeKernels(
  memory: LinearMemory,
): Pick<Kernels, 'x8_copy_rows' | 'x8_transpose' | 'x32_transpose'> {
  /** On integers of either size: a NaN that passes through a number may lose its payload. */
  function turn(
    values: Uint8Array | Int32Array,
    [x, xStride, y, yStride]: readonly [number, number, number, number],
    rows: number,
    columns: number,
  ): void {
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        values[y + column * yStride + row] = values[x + row * xStride + column]!
      }
    }
  }

  return {
    x8_copy_rows(x, xStride, y, yStride, rows, rowBytes) {
      const { u8 } = memory
      for (let row = 0; row < rows; row++) {
        const from = x + row * xStride
        u8.copyWithin(y + row * yStride, from, from + rowBytes)
      }
    },

    x8_transpose(x, xStride, y, yStride, rows, columns) {
      turn(memory.u8, [x, xStride, y, yStride], rows, columns)
    },

    x32_transpose(x, xStride, y, yStride, rows, columns) {
      turn(memory.i32, [x >>> 2, xStride, y >>> 2, yStride], rows, columns)
    },
  }
}
