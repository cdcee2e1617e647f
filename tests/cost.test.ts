import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { choices, fit, type CostTime, type CostTimes } from '../bench/cost/times.js'
import {
  leastRegret,
  predictedNs,
  RATES,
  RELAXED_RATES,
  type Candidate,
  type MatrixKernel,
} from '../bindings/infer/cost.js'

const times = JSON.parse(readFileSync('bench/cost/times.json', 'utf8')) as CostTimes

/** Times that inference chooses among: one matrix, one number of samples. */
type Choice = readonly [CostTime, ...CostTime[]]

const of = (kernel: MatrixKernel, choice: readonly CostTime[]) =>
  choice.find((time) => time.kernel === kernel)

const least = (choice: readonly CostTime[]): number => Math.min(...choice.map(({ ns }) => ns))

/** Weights have one form, values, indices or codes: its kernels, the dense one first. */
function byForm(choice: readonly CostTime[]): Choice[] {
  return FORMS.map((form) => form.flatMap((kernel) => of(kernel, choice) ?? [])).filter(
    (form): form is [CostTime, CostTime] => form.length > 1,
  )
}

const FORMS: readonly (readonly MatrixKernel[])[] = [
  ['f32_gemm', 'f32_spmm_csr', 'f32_spmm_bsr', 'f32_spmm_nm'],
  ['f32_cbw_gemm', 'f32_cb8w_spmm_csr'],
  ['qd8_f32_qc8w_gemm', 'qd8_f32_qc8w_spmm_csr'],
]

describe.each(['simd', 'relaxed'] as const)('the cost model, %s', (target) => {
  const all = choices(times, target).flatMap(byForm)

  it('chooses a kernel whose time is within 15 % of the best', () => {
    expect(all.length).toBeGreaterThan(200)
    const lost = all.flatMap((choice) => {
      const [{ rows, cols, samples }] = choice
      const { kernel } = leastRegret(choice, rows + cols, [samples], target)
      const ratio = of(kernel, choice)!.ns / least(choice)
      return ratio > 1.15 ? [`${JSON.stringify(choice)}: ${ratio}`] : []
    })
    expect(lost).toEqual([])
  })

  it('chooses by shape, zeros and samples: each kernel wins somewhere', () => {
    const chosen = new Set(
      all.map(
        (choice) => leastRegret(choice, choice[0].rows + choice[0].cols, [choice[0].samples], target).kernel,
      ),
    )
    expect([...chosen].sort()).toEqual(Object.keys(RATES).sort())
  })
})

describe('the rates of the cost model', () => {
  it.each([
    ['simd', RATES],
    ['relaxed', RELAXED_RATES],
  ] as const)('are those that fit the measured times: %s', (target, rates) => {
    for (const [kernel, rate] of Object.entries(rates)) {
      expect(fit(times, kernel as MatrixKernel, target), kernel).toEqual(rate)
    }
  })

  it('lie on straight lines between batches, and go on in proportion', () => {
    const candidate = { kernel: 'f32_gemm', entries: 1000 } as const
    const at = (samples: number) => predictedNs(candidate, 70, samples, 'simd')
    expect(at(12)).toBeCloseTo((at(8) + at(16)) / 2, 6)
    expect(at(640)).toBeCloseTo(10 * at(64), 6)
    expect(at(0)).toBe(at(1))
  })
})

describe('a choice for several batches', () => {
  it('takes what is nowhere much slower', () => {
    // One sample: the sparse rows take longer; sixteen: less than half.
    const forms: [Candidate, Candidate] = [
      { kernel: 'f32_gemm', entries: 500 * 500 },
      { kernel: 'f32_spmm_csr', entries: 150 * 500 },
    ]
    const ns = (samples: number) => forms.map((form) => predictedNs(form, 1000, samples, 'simd'))
    const [dense1, sparse1] = ns(1)
    const [dense16, sparse16] = ns(16)
    expect(dense1!).toBeLessThan(sparse1!)
    expect(dense16! / sparse16!).toBeGreaterThan(sparse1! / dense1!)
    expect(leastRegret(forms, 1000, [1], 'simd').kernel).toBe('f32_gemm')
    expect(leastRegret(forms, 1000, [16], 'simd').kernel).toBe('f32_spmm_csr')
    expect(leastRegret(forms, 1000, [1, 16], 'simd').kernel).toBe('f32_spmm_csr')
  })
})
