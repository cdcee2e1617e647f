import {
  A_BYTES,
  KR,
  MR,
  NR,
  PACK_SLACK,
  panelBytesOf,
  panelsOf,
  ROW_BLOCK,
  stepsOf,
  VECTOR_HEAD,
} from './layout'
import { halvesScratchBytes, hasHalves } from './strassen'

/** Bytes of packed weights, in f64: it cannot wrap. */
export function qs8_gemm_packed_bytes(n: i32, k: i32): f64 {
  const panels = Math.ceil(<f64>n / <f64>NR)
  return panels * <f64>NR * (4 + Math.ceil(<f64>k / <f64>KR) * <f64>KR)
}

/** Bytes of work space for a product, in f64. */
export function qs8_gemm_scratch_bytes(m: i32, n: i32, k: i32): f64 {
  if (!ASC_FEATURE_RELAXED_SIMD && hasHalves(m, n, k)) return halvesScratchBytes(m, k)
  const rows = min(m, ROW_BLOCK)
  const depth = Math.ceil(<f64>k / <f64>KR) * <f64>KR
  const packed = <f64>rows * depth * <f64>A_BYTES + <f64>MR * <f64>VECTOR_HEAD + <f64>PACK_SLACK
  return packed + (ASC_FEATURE_RELAXED_SIMD || m < MR ? 0 : depth * <f64>(2 * NR))
}

/**
 * Packs int8 weights, element (column j, depth p) at `w + j * strideN + p * strideK`.
 * Contract: assembly/README.md#qs8-gemm
 */
export function qs8_gemm_pack(w: usize, strideN: i32, strideK: i32, packed: usize, n: i32, k: i32): void {
  const depth = stepsOf(k) * KR
  let sums = packed
  packed += (<usize>panelsOf(n) * <usize>NR) << 2
  while (n > 0) {
    for (let j = 0; j < NR; j++) {
      let from = w + <usize>j * <usize>strideN
      let to = packed + <usize>(j * KR)
      let sum = 0
      for (let p = 0; p < depth; p++) {
        let value: i32 = 0
        if (j < n && p < k) value = load<i8>(from)
        store<u8>(to, stored(value, p))
        sum += value
        from += <usize>strideK
        // The next of KR neighbours, or the first of the next step.
        to += (p & (KR - 1)) == KR - 1 ? <usize>(NR * KR - KR + 1) : 1
      }
      store<i32>(sums, sum)
      sums += 4
    }
    w += <usize>NR * <usize>strideN
    packed += panelBytesOf(k)
    n -= NR
  }
}

/** Where the even bytes are unsigned, a mask makes i16 of them, and a shift of the odd ones: no byte is extended. */
function stored(value: i32, p: i32): i32 {
  return ASC_FEATURE_RELAXED_SIMD || p & 1 ? value : value ^ 0x80
}
