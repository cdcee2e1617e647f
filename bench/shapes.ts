import { GEMM_SHAPES } from './goals.js'

/** LeNet-300-100 for one sample and for a batch, LeNet-5's convolutions as im2col has them, its first dense layer; [m, k, n]. */
const LENET_SHAPES = [
  [1, 784, 300],
  [64, 784, 300],
  [1, 300, 100],
  [1, 100, 10],
  [576, 25, 20],
  [64, 500, 50],
  [1, 800, 500],
] as const

export const SHAPES = [...LENET_SHAPES, ...GEMM_SHAPES]
