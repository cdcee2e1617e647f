// npm run bench:peers -- [--filter TEXT] [--json FILE] [--html FILE]
// Everything that mcompress-wasm is measured against, in one process, rounds interleaved, and what was to be reached.
import { parseArgs } from 'node:util'
import { createRuntime } from '../../bindings/index.js'
import { GOALS, goalOf, judge, sizeRow } from '../goals.js'
import { compare } from '../harness.js'
import { commit, printTable, writeRows } from '../output.js'
import { limitsOf } from '../peak.js'
import { compileProbes } from '../probes.js'
import type { Row } from '../rows.js'
import { PEER_HEAD, peerCellsOf } from '../table.js'
import { comparisons } from './comparisons.js'

const { values } = parseArgs({
  options: {
    filter: { type: 'string', default: '' },
    json: { type: 'string' },
    html: { type: 'string' },
  },
})

const best = createRuntime()
const simd = best.target.name === 'simd' ? best : createRuntime({ target: 'simd' })
const runtimes = best === simd ? [simd] : [best, simd]

const measured = commit()
const limits = limitsOf(await compileProbes())
const rows: Row[] = []
for (const comparison of comparisons(simd, runtimes)) {
  const title = `${comparison.kernel} ${comparison.shape}`
  if (!title.includes(values.filter)) continue
  console.error(title)
  const { contenders, sizes } = await comparison.prepare()
  const timed = await compare(comparison, contenders, limits)
  rows.push(...judge(timed))
  if (sizes !== undefined) {
    const { entropy, bytes } = sizes()
    rows.push(...timed.map((row, i) => sizeRow(row, bytes[i]!, bytes[0]!, entropy)))
  }
}

printTable({ head: PEER_HEAD, body: rows.map(peerCellsOf) })
const judged = rows.filter((row) => row.goal !== undefined)
const missed = judged.filter((row) => !row.reached)
const open = GOALS.filter((goal) => !judged.some((row) => goalOf(row) === goal))
console.log(`ratios to reach: ${judged.length - missed.length} reached, ${missed.length} missed`)
for (const row of missed) {
  const { kernel, shape, contender, against = row.target, ratio, rate, unit, goal } = row
  const found = unit === '% over entropy' ? `${rate.toFixed(2)} %` : ratio.toFixed(2)
  console.log(`  missed: ${kernel} ${shape}, ${against} to ${contender}: ${found}, to reach ${goal}`)
}
if (values.filter === '' && open.length > 0) {
  console.log(`not measured on this engine: ${open.length}`)
  for (const { kernel, shape, contender, against } of open) {
    console.log(`  ${kernel} ${shape}, ${against} to ${contender}`)
  }
}
writeRows(
  rows.map((row) => ({ ...row, ...(measured === undefined ? {} : { commit: measured }) })),
  values,
)
if (rows.some(({ contender, exact }) => contender.startsWith('mcompress') && !exact)) process.exitCode = 1
