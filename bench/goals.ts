import type { Row } from './rows.js'

/** Ours over theirs, at least; of a size over the entropy in per cent, at most. */
export interface Goal {
  kernel: string
  shape: string
  /** The peer's row carries the goal; for sizes our own. */
  contender: string
  /** The target of ours that has to reach it. */
  against: string
  bound: number
}

export const PEERS = {
  u8s8: 'onnxruntime-web MatMulInteger u8s8',
  s8s8: 'onnxruntime-web MatMulInteger s8s8',
  qlinear: 'onnxruntime-web QLinearMatMul u8s8',
  nBits: 'onnxruntime-web MatMulNBits',
  nBits8: 'onnxruntime-web MatMulNBits, accuracy_level 4',
  onnxruntime: 'onnxruntime-web MatMul f32',
  tfjs: 'tfjs-backend-wasm f32',
  eigen: 'Eigen in wasm, sparse f64',
  csr: 'plain JS CSR',
  dense: 'mcompress dense f32',
  zstd: 'zstd-wasm level 1',
  mlKmeans: 'ml-kmeans',
  ckmeans: 'simple-statistics ckmeans',
  boundaries: 'plain JS, binary search',
  branchless: 'plain JS, search without branches',
} as const

/** [m, k, n]: layers of real networks and squares. */
export const GEMM_SHAPES = [
  [1, 1024, 1024],
  [16, 768, 3072],
  [64, 512, 512],
  [256, 256, 256],
  [512, 512, 512],
  [1024, 1024, 1024],
] as const

/** The same for weights of 4 bits in groups of 32: a layer of a language model and one of a vision model. */
export const INT4_SHAPES = [
  [1, 4096, 4096],
  [64, 512, 512],
] as const

export const gemmShape = (m: number, k: number, n: number): string => `${m}x${k}x${n}`
export const sparseShape = (zeros: number, samples: number): string =>
  `1024x1024x${samples}, ${zeros} % zeros`
export const kmeansShape = (k: number): string => `10^6 values, k=${k}`
export const GAUSSIAN = 'int8 of a Gaussian'
export const SKEWED = '5-bit skewed'

function goal(kernel: string, shape: string, contender: string, bound: number, against = 'simd'): Goal {
  return { kernel, shape, contender, against, bound }
}

/** Large: from 64 rows on. */
function gemmGoals([m, k, n]: (typeof GEMM_SHAPES)[number]): Goal[] {
  const shape = gemmShape(m, k, n)
  if (m === 1) {
    return [
      goal('qs8_gemm', shape, PEERS.u8s8, 5),
      goal('qs8_gemm', shape, PEERS.u8s8, 12, 'relaxed'),
      goal('f32_gemm', shape, PEERS.tfjs, 1.4),
    ]
  }
  if (m < 64) return [goal('qs8_gemm', shape, PEERS.u8s8, 1.3)]
  return [
    goal('qs8_gemm', shape, PEERS.u8s8, m >= 512 ? 1.2 : 1.1),
    goal('qs8_gemm', shape, PEERS.u8s8, 2.3, 'relaxed'),
    goal('qs8_gemm', shape, PEERS.s8s8, 12),
    goal('f32_gemm', shape, PEERS.tfjs, 1.3),
  ]
}

const overDense = { 80: 3.8, 90: 7.5, 95: 14 }

/** What this project set out to reach, measured in one run on one machine. */
export const GOALS: readonly Goal[] = [
  ...GEMM_SHAPES.flatMap(gemmGoals),
  goal('qb4w_gemm', gemmShape(1, 4096, 4096), PEERS.nBits, 25),
  goal('qb4w_gemm', gemmShape(64, 512, 512), PEERS.nBits, 3),
  ...Object.entries(overDense).flatMap(([zeros, bound]) =>
    [64, 256].map((n) => goal('f32_spmm_csr', sparseShape(Number(zeros), n), PEERS.dense, bound)),
  ),
  goal('f32_spmm_csr', sparseShape(90, 64), PEERS.tfjs, 9),
  goal('f32_spmm_csr', sparseShape(90, 64), PEERS.eigen, 20),
  goal('f32_spmv_csr', sparseShape(90, 1), PEERS.dense, 2),
  goal('f32_spmv_csr', sparseShape(95, 1), PEERS.dense, 3.5),
  goal('u8_huf_decode', GAUSSIAN, PEERS.zstd, 5),
  goal('u8_huf_decode', SKEWED, PEERS.zstd, 3.5),
  goal('u8_huf_encode', GAUSSIAN, PEERS.zstd, 2.2),
  goal('u8_huf_encode', SKEWED, PEERS.zstd, 2.2),
  goal('u8_huf_size', GAUSSIAN, 'mcompress', 0.5),
  goal('u8_huf_size', SKEWED, 'mcompress', 1.2),
  goal('u8_rans_decode', GAUSSIAN, PEERS.zstd, 1.5),
  goal('u8_rans_decode', SKEWED, PEERS.zstd, 1.5),
  goal('u8_rans_size', GAUSSIAN, 'mcompress', 0.2),
  goal('u8_rans_size', SKEWED, 'mcompress', 0.2),
  goal('f32_kmeans_optimal', kmeansShape(16), PEERS.ckmeans, 100, 'js'),
  ...[PEERS.mlKmeans, PEERS.boundaries, PEERS.branchless].flatMap((peer) => [
    goal('f32_kmeans_assign', kmeansShape(16), peer, 35),
    goal('f32_kmeans_assign', kmeansShape(256), peer, 45),
  ]),
]

export function goalOf(row: Row, goals: readonly Goal[] = GOALS): Goal | undefined {
  return goals.find(
    ({ kernel, shape, contender, against }) =>
      kernel === row.kernel &&
      shape === row.shape &&
      contender === row.contender &&
      against === (row.against ?? row.target),
  )
}

/**
 * The rows of one case with their goals: ours as they are, each other row once for each target of ours, with the ratio
 * to that. A wrong result reaches nothing.
 */
export function judge(rows: readonly Row[], goals: readonly Goal[] = GOALS): Row[] {
  const ours = rows.filter(({ contender }) => contender === 'mcompress')
  return rows.flatMap((row) => {
    if (ours.includes(row)) return [{ ...row, ratio: 1 }]
    return ours.map((own) => {
      const pair: Row = { ...row, ratio: own.rate / row.rate, against: own.target }
      const bound = goalOf(pair, goals)?.bound
      return bound === undefined
        ? pair
        : { ...pair, goal: bound, reached: own.exact && row.exact && pair.ratio >= bound }
    })
  })
}

/** A row of coded bytes from the row of the encoder that made them: no rate, but how far they are over the entropy. */
export function sizeRow(encoder: Row, bytes: number, ours: number, entropy: number): Row {
  const row: Row = {
    ...encoder,
    kernel: encoder.kernel.replace('encode', 'size'),
    rate: 100 * (bytes / entropy - 1),
    unit: '% over entropy',
    ratio: bytes / ours,
    peakShare: null,
  }
  const bound = goalOf(row)?.bound
  return bound === undefined ? row : { ...row, goal: bound, reached: row.exact && row.rate <= bound }
}
