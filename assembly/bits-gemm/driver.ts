import { storeLanes } from '../common/lanes'
import { lanesSumOf, productOfSigns, productOfTernary } from './ukernel'

/** Bytes of a row of k bits: whole vectors. */
function rowBytesOf(k: i32): usize {
  return ((<usize>(k + 127)) >> 7) << 4
}

/** c [m][n] i32 = a [m][k] * w [n][k], elements 1 and -1, whose signs are bits. Contract: assembly/README.md#bits-gemm */
export function b1_i32_gemm(a: usize, w: usize, c: usize, ldc: i32, m: i32, n: i32, k: i32): void {
  const rowBytes = rowBytesOf(k)
  while (m > 0) {
    for (let j = 0; j < n; j += 4) {
      // Beyond the last column the last one again; nothing is stored for it.
      const w0 = w + <usize>j * rowBytes
      const w1 = w + <usize>min(j + 1, n - 1) * rowBytes
      const w2 = w + <usize>min(j + 2, n - 1) * rowBytes
      const w3 = w + <usize>min(j + 3, n - 1) * rowBytes
      productOfSigns(a, w0, w1, w2, w3, rowBytes)
      const sum = i32x4.sub(i32x4.splat(k), i32x4.shl(lanesSumOf(), 1))
      store4(c + ((<usize>j) << 2), sum, n - j)
    }
    a += rowBytes
    c += (<usize>ldc) << 2
    m--
  }
}

/** The same for elements 1, 0 and -1: `aSigns` and `wSigns` where `aOnes` and `wOnes` say that they are not 0. */
export function t2_i32_gemm(
  aSigns: usize,
  aOnes: usize,
  wSigns: usize,
  wOnes: usize,
  c: usize,
  ldc: i32,
  m: i32,
  n: i32,
  k: i32,
): void {
  const rowBytes = rowBytesOf(k)
  while (m > 0) {
    for (let j = 0; j < n; j += 4) {
      const w0 = wSigns + <usize>j * rowBytes
      const w1 = wSigns + <usize>min(j + 1, n - 1) * rowBytes
      const w2 = wSigns + <usize>min(j + 2, n - 1) * rowBytes
      const w3 = wSigns + <usize>min(j + 3, n - 1) * rowBytes
      productOfTernary(aSigns, aOnes - aSigns, w0, w1, w2, w3, wOnes - wSigns, rowBytes)
      store4(c + ((<usize>j) << 2), lanesSumOf(), n - j)
    }
    aSigns += rowBytes
    aOnes += rowBytes
    c += (<usize>ldc) << 2
    m--
  }
}

function store4(to: usize, v: v128, n: i32): void {
  if (n >= 4) v128.store(to, v)
  else storeLanes(to, v, n)
}
