// npm run bench -- [--filter TEXT] [--target js|simd|relaxed|all] [--json FILE]
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { createRuntime } from '../bindings/index.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { measure, type BenchCase, type Row } from './harness.js'
import { measurePeaks } from './peak.js'
import { cases as conv } from './conv.bench.js'
import { cases as elementwise } from './elementwise.bench.js'
import { cases as math } from './math.bench.js'
import { cases as f32Spmm } from './f32-spmm.bench.js'
import { cases as kmeans } from './kmeans.bench.js'
import { cases as quantize } from './quantize.bench.js'

const suites: BenchCase[] = [...conv, ...elementwise, ...math, ...f32Spmm, ...kmeans, ...quantize]

const { values } = parseArgs({
  options: {
    filter: { type: 'string', default: '' },
    target: { type: 'string', default: 'all' },
    json: { type: 'string' },
  },
})

const runtimes = new Map<string, Runtime>()
for (const target of ['js', 'simd', 'relaxed'] as const) {
  if (values.target !== 'all' && values.target !== target) continue
  try {
    runtimes.set(target, createRuntime({ target }))
  } catch (error) {
    console.error(`${target}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const peaks = await measurePeaks()
console.log(
  `peak of this machine: int8 ${peaks.int8.toFixed(0)} GOP/s, relaxed ${peaks.relaxed?.toFixed(0) ?? 'none'} GOP/s, ` +
    `f32 ${peaks.f32.toFixed(0)} GFLOP/s, copy ${peaks.copy.toFixed(0)} GB/s`,
)
const rows: Row[] = []
const table = new Table({
  head: ['kernel', 'shape', 'target', 'median ms', 'min ms', 'rate', 'of peak', 'exact'],
})
for (const benchCase of suites) {
  if (!`${benchCase.kernel} ${benchCase.shape}`.includes(values.filter)) continue
  for (const row of await measure(benchCase, runtimes, peaks)) {
    rows.push(row)
    table.push([
      row.kernel,
      row.shape,
      row.target,
      row.medianMs.toFixed(4),
      row.minMs.toFixed(4),
      `${row.rate.toFixed(2)} ${row.unit}`,
      row.peakShare === null ? '' : `${(100 * row.peakShare).toFixed(0)} %`,
      row.exact ? 'yes' : 'NO',
    ])
  }
}
console.log(table.toString())
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, null, 1)}\n`)
if (rows.some((row) => !row.exact)) process.exitCode = 1
