// npm run bench -- [--filter TEXT] [--target js|simd|relaxed|all] [--json FILE] [--html FILE]
// npm run bench -- --compare A.json B.json ... [--html FILE]
import { parseArgs } from 'node:util'
import { commit, compareFiles, printTable, writeRows } from './output.js'
import { compileProbes } from './probes.js'
import { runSuite } from './suite.js'
import { cellsOf, HEAD } from './table.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    filter: { type: 'string' },
    target: { type: 'string' },
    json: { type: 'string' },
    html: { type: 'string' },
    compare: { type: 'boolean', default: false },
  },
})

if (values.compare) {
  if (positionals.length === 0) throw new RangeError('--compare expected at least one JSON file')
  compareFiles(positionals, values)
} else {
  const measured = commit()
  const rows = await runSuite({
    probes: await compileProbes(),
    ...(values.filter === undefined ? {} : { filter: values.filter }),
    ...(values.target === undefined ? {} : { target: values.target }),
    onNote: (note) => console.log(note),
    onRow: ({ kernel, shape, target, contender }) =>
      console.error(`${kernel} ${shape} ${target} ${contender}`),
  })
  printTable({ head: HEAD, body: rows.map(cellsOf) })
  writeRows(
    rows.map((row) => ({ ...row, ...(measured === undefined ? {} : { commit: measured }) })),
    values,
  )
  if (rows.some((row) => !row.exact)) process.exitCode = 1
}
