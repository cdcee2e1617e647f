import { readFileSync } from 'node:fs'
import binaryen from 'binaryen'
import { describe, expect, it } from 'vitest'
import { createJsKernels } from '../bindings/kernels/index.js'
import { LinearMemory, PlainMemory } from '../bindings/runtime/memory.js'
import { HEAP_BASE } from '../bindings/runtime/runtime.js'

/** Every export of kernels.simd.wasm, sorted. */
const EXPORTS = `
  b1_i32_gemm
  cbw_gemm_pack
  cbw_gemm_packed_bytes
  f32_avgpool
  f32_binary
  f32_cb8w_spmm_csr
  f32_cbw_gemm
  f32_cbw_gemm_scratch_bytes
  f32_clamp
  f32_dwconv
  f32_dwconv_pack
  f32_dwconv_packed_bytes
  f32_gemm
  f32_gemm_pack
  f32_gemm_packed_bytes
  f32_gru_cell
  f32_gru_gates
  f32_kmeans_assign
  f32_layer_norm
  f32_lstm_cell
  f32_maxpool
  f32_qb4w_gemm
  f32_qb4w_gemm_scratch_bytes
  f32_qd8_quantize
  f32_qs8_quantize
  f32_range
  f32_reduce
  f32_resample
  f32_softmax
  f32_spmm_bsr
  f32_spmm_csr
  f32_spmm_nm
  f32_unary
  qb4w_gemm_pack
  qb4w_gemm_packed_bytes
  qb4w_gemm_scratch_bytes
  qd8_f32_qb4w_gemm
  qd8_f32_qc8w_dwconv
  qd8_f32_qc8w_gemm
  qd8_f32_qc8w_spmm_csr
  qd8_qs8_qc8w_dwconv
  qd8_qs8_qc8w_gemm
  qs8_dwconv_pack
  qs8_dwconv_packed_bytes
  qs8_f32_dequantize
  qs8_gemm_pack
  qs8_gemm_packed_bytes
  qs8_gemm_scratch_bytes
  qs8_i32_dwconv
  qs8_i32_gemm
  qs8_maxpool
  t2_i32_gemm
  u8_context_code
  u8_context_state_bytes
  u8_f32_codebook_expand
  u8_gap_count
  u8_gap_decode
  u8_gap_encode
  u8_histogram
  u8_huf_block_bits
  u8_huf_decode_block
  u8_huf_encode_block
  u8_huf_lengths
  u8_rans_decode_block
  u8_rans_encode_block
  x32_transpose
  x8_copy_rows
  x8_im2col
  x8_transpose
`

/** Exports of kernels.relaxed.wasm, sorted: those that stand in for the ones above, and the probe. */
const OVERLAY = `
  qb4w_gemm_scratch_bytes
  qd8_f32_qb4w_gemm
  qd8_f32_qc8w_gemm
  qd8_qs8_qc8w_gemm
  qs8_gemm_pack
  qs8_gemm_packed_bytes
  qs8_gemm_scratch_bytes
  qs8_i32_gemm
  relaxed_dot_is_exact
`

/** asconfig.json "memoryBase". */
const STATIC_BASE = 48 * 1024

/** What the package can afford of each module, in bytes; raise it knowingly. */
const BUDGET = { simd: 72_000, relaxed: 9_000 }

const VECTOR_OPERATION = /\b[if]\d+x\d+\./

/** What a long function consists of; a power is one of f64. */
const LONG_OPERATION = /\b(?:[if]\d+x\d+|f64)\./

/** Such operations beside which a call, some 3 of them, does not count. */
const LONG_FUNCTION = 30

function names(list: string): string[] {
  return list.trim().split(/\s+/)
}

/** The module in text form. Functions have no names in it other than their index. */
function textOf(bytes: Uint8Array): string {
  return binaryen.readBinary(bytes).emitText()
}

/** Functions by their name in the text. */
function functionsOf(text: string): Map<string, string> {
  const sources = text.split(/^ (?=\(func )/m).slice(1)
  return new Map(sources.map((source) => [source.match(/^\(func (\S+)/)![1]!, source]))
}

/** Loops of a function that hold no other loop. */
function innermostLoops(source: string): string[] {
  const found: string[] = []
  const open: { start: number; isLoop: boolean; hasLoop: boolean }[] = []
  for (const { 0: token, index } of source.matchAll(/\((\w*)|\)/g)) {
    if (token === ')') {
      const closed = open.pop()
      if (closed?.isLoop && !closed.hasLoop) found.push(source.slice(closed.start, index))
    } else {
      const isLoop = token === '(loop'
      if (isLoop) for (const outer of open) outer.hasLoop = true
      open.push({ start: index, isLoop, hasLoop: false })
    }
  }
  return found
}

function exportsOf(text: string): string[] {
  return [...text.matchAll(/\(export "(\w+)"/g)].map(([, name]) => name!).sort()
}

describe.each(['simd', 'relaxed'] as const)('kernels.%s.wasm', (name) => {
  const bytes = readFileSync(`build/kernels.${name}.wasm`)
  const text = textOf(bytes)

  it('imports the memory and nothing else', () => {
    expect(text.match(/\(import .*/g)).toEqual([expect.stringMatching(/^\(import "env" "memory" \(memory /)])
  })

  it('exports what is listed here', () => {
    expect(exportsOf(text)).toEqual(names(name === 'simd' ? EXPORTS : OVERLAY))
  })

  it('stays in its byte budget', () => {
    expect(bytes.length).toBeLessThanOrEqual(BUDGET[name])
  })

  it('keeps static data between the tables and the first region', () => {
    for (const [, offset, data] of text.matchAll(/\(data \S+ \(i32\.const (\d+)\) "(.*)"\)/g)) {
      const length = data!.replace(/\\([0-9a-f]{2}|.)/g, '_').length
      expect(Number(offset)).toBeGreaterThanOrEqual(STATIC_BASE)
      expect(Number(offset) + length).toBeLessThanOrEqual(HEAP_BASE)
    }
    // A passive segment would be copied to who knows where.
    expect(text).not.toMatch(/\(data \S+ "/)
  })

  it('calls nothing in a hot loop', () => {
    const functions = functionsOf(text)
    let loops = 0
    for (const [caller, source] of functions) {
      for (const loop of innermostLoops(source)) {
        loops++
        for (const [, callee] of loop.matchAll(/\(call (\S+)/g)) {
          const body = functions.get(callee!)!
          // A driver calls whole kernels in a loop. A helper that was not inlined has no loop of its own; only one that
          // computes for long (a logarithm) may be that.
          const isKernel = body.includes('(loop') && !VECTOR_OPERATION.test(loop)
          const operations = body.match(new RegExp(LONG_OPERATION, 'g'))?.length ?? 0
          if (!isKernel && operations < LONG_FUNCTION) expect.fail(`${caller} calls ${callee} in\n${loop}`)
        }
        expect(loop).not.toContain('call_indirect')
      }
    }
    expect(loops).toBeGreaterThan(5)
  })
})

it('the overlay replaces exports of the main module', () => {
  const main = names(EXPORTS)
  expect(names(OVERLAY).filter((name) => !main.includes(name))).toEqual(['relaxed_dot_is_exact'])
})

it('the js target has the same exports', () => {
  const kernels = createJsKernels(new LinearMemory(new PlainMemory(1), HEAP_BASE))
  expect(Object.keys(kernels).sort()).toEqual(names(EXPORTS))
})
