// Runs the test suite that ONNX has for backends: one small model for each operator and variant, with inputs and outputs.
//
//     apt-get install libonnx-testdata
//     npm run test:conformance -- [--filter TEXT] [--json FILE] [--data FOLDER]
//
// Fails if a case fails that is not in skipped.ts, or one that is there passes.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FormatError, UnsupportedOpError } from '../../bindings/errors.js'
import type { ElementType, Tensor } from '../../bindings/formats/tensor.js'
import { subgraphsOf } from '../../bindings/graph/attributes.js'
import type { Graph } from '../../bindings/graph/model.js'
import { canRun } from '../../bindings/infer/load-graph.js'
import { loadModel } from '../../bindings/infer/load.js'
import '../../bindings/embedded.js'
import { readOnnx } from '../../bindings/io/onnx/index.js'
import { difference, listCases, readDataSets, type ConformanceCase } from './cases.js'
import { SKIPPED_CASES, SKIPPED_OPERATORS } from './skipped.js'

const { values: options } = parseArgs({
  options: {
    data: { type: 'string', default: process.env.ONNX_TESTDATA ?? '/usr/share/libonnx-testdata/data' },
    filter: { type: 'string', default: '' },
    json: { type: 'string' },
  },
})

interface Row {
  readonly case: string
  readonly operators: string
  readonly ok: boolean
  /** Why it is skipped or fails; empty when it passes. */
  readonly reason: string
}

function operatorsOf(graph: Graph): string[] {
  return graph.nodes.flatMap((node) => [node.op, ...subgraphsOf(node).flatMap(operatorsOf)])
}

/** What goes wrong in a case; undefined if nothing does. */
function runCase(test: ConformanceCase, operators: Set<string>): string | undefined {
  try {
    const bytes = readFileSync(join(test.folder, 'model.onnx'))
    const written = readOnnx(bytes, { optimize: false })
    operatorsOf(written).forEach((op) => operators.add(op))
    // As it is read by default; and as it is written, unless it has operators that reading expands.
    for (const model of [readOnnx(bytes), written]) {
      if (model === written && !model.nodes.every(({ op }) => canRun(op))) continue
      using session = loadModel(model)
      for (const { inputs, outputs } of readDataSets(test)) {
        const feeds = session.inputs.map(({ name }, i): [string, Tensor] => [
          name,
          (inputs.find((input) => input.name === name) ?? inputs[i]!).tensor,
        ])
        const results = session.run<ElementType>(Object.fromEntries(feeds))
        for (const [i, expected] of outputs.entries()) {
          const differs = difference(results[session.outputs[i]!.name], expected.tensor)
          if (differs !== undefined) return `${session.outputs[i]!.name}: ${differs}`
        }
      }
    }
    return undefined
  } catch (error) {
    const { name, message } = error as Error
    const isExpected = error instanceof UnsupportedOpError || error instanceof FormatError
    return isExpected ? message : `${name}: ${message}`
  }
}

function skipReason(name: string, operators: ReadonlySet<string>): string | undefined {
  const op = [...operators].find((op) => Object.hasOwn(SKIPPED_OPERATORS, op))
  const byName = SKIPPED_CASES.find(([cases]) => cases.test(name))?.[1]
  return byName ?? (op === undefined ? undefined : `${op}: ${SKIPPED_OPERATORS[op]}`)
}

if (!existsSync(options.data)) {
  console.error(`${options.data} is not there: apt-get install libonnx-testdata, or give --data FOLDER`)
  process.exit(2)
}
const rows: Row[] = []
const problems: string[] = []
let skipped = 0
for (const test of listCases(options.data)) {
  if (!test.name.includes(options.filter)) continue
  const operators = new Set<string>()
  const reason = runCase(test, operators)
  const skip = skipReason(test.name, operators)
  if (skip !== undefined && reason !== undefined) skipped++
  if (skip !== undefined && reason === undefined)
    problems.push(`${test.name} passes, and is listed as skipped: ${skip}`)
  if (skip === undefined && reason !== undefined) problems.push(`${test.name}: ${reason}`)
  rows.push({
    case: test.name,
    operators: [...operators].sort().join(' '),
    ok: reason === undefined,
    reason: skip ?? reason ?? '',
  })
}
problems.forEach((problem) => console.log(problem))
const passed = rows.filter(({ ok }) => ok).length
console.log(
  `${rows.length} cases: ${passed} pass, ${rows.length - passed - skipped} fail, ${skipped} are skipped as not supported`,
)
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(rows, null, 1)}\n`)
process.exitCode = problems.length > 0 ? 1 : 0
