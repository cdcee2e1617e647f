// The suite for any engine with a command line, as one bundled file: ENGINE bench.mjs [FILTER] [TARGET]
// Rows go to stdout, one JSON object a line; whatever is not a row is a note.
import { bundledProbes } from './bundled-probes.js'
import { runSuite } from './suite.js'

const [filter = '', target = 'all'] = process.argv.slice(2)
await runSuite({
  probes: bundledProbes(),
  filter,
  target,
  onNote: (note) => console.log(note),
  onRow: (row) => console.log(JSON.stringify(row)),
})
