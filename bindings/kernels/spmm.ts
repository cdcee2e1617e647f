import type { Kernels } from '../runtime/instantiate.js'
import type { LinearMemory } from '../runtime/memory.js'

const { fround } = Math

export function spmmKernels(memory: LinearMemory): Pick<Kernels, 'f32_spmm_csr'> {
  return {
    f32_spmm_csr(
      rowPtr,
      colIndices,
      values,
      bias,
      x,
      y,
      rows,
      n,
      xRowStride,
      xSampleStride,
      yRowStride,
      ySampleStride,
      min,
      max,
    ) {
      const { f32, u32 } = memory
      for (let row = 0; row < rows; row++) {
        for (let sample = 0; sample < n; sample++) {
          let acc = f32[bias / 4 + row]!
          for (let e = u32[rowPtr / 4 + row]!; e < u32[rowPtr / 4 + row + 1]!; e++) {
            const at = u32[colIndices / 4 + e]! * xRowStride + sample * xSampleStride
            acc = fround(acc + fround(f32[values / 4 + e]! * f32[x / 4 + at]!))
          }
          f32[y / 4 + row * yRowStride + sample * ySampleStride] = Math.min(Math.max(acc, min), max)
        }
      }
    },
  }
}
