import { A_BYTES, KR, MR, stepsOf, STRIP_ROW_BYTES } from './layout'
import * as plain from './ukernel'
import * as relaxed from './ukernel-relaxed'

/** Rows of activations as packed tiles; rows is a multiple of MR. */
export function packTiles(a: usize, lda: i32, k: i32, rows: i32, to: usize): void {
  const stride = <usize>lda
  const tileBytes = <usize>(stepsOf(k) * KR * MR) * A_BYTES
  do {
    if (ASC_FEATURE_RELAXED_SIMD) relaxed.qs8_gemm_pack_6c4(a, stride, k, to)
    else plain.qs8_gemm_pack_4c4(a, stride, k, to)
    a += <usize>MR * stride
    to += tileBytes
    rows -= MR
  } while (rows > 0)
}

/** acc [rows][8 of 32] = packed tiles times a panel, which the plain module has widened. */
export function multiplyTiles(a: usize, w: usize, sums: usize, acc: usize, rows: i32, steps: i32): void {
  const tileBytes = <usize>(steps * KR * MR) * A_BYTES
  do {
    if (ASC_FEATURE_RELAXED_SIMD) relaxed.qs8_gemm_6x8c4(a, w, sums, acc, steps)
    else plain.qs8_gemm_4x8c2(a, w, acc, 2 * steps)
    a += tileBytes
    acc += <usize>MR * STRIP_ROW_BYTES
    rows -= MR
  } while (rows > 0)
}
