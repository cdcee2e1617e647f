// npm run bench:engines -- [--filter TEXT] [--target TARGET] [--engine PATH ...] [--json FILE] [--html FILE]
// The suite in every engine that is installed, side by side; the one that runs this command is the base.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { installEngines } from '../tests/engines/install.js'
import { bundle } from './bundle.js'
import { commit, printTable, writeRows } from './output.js'
import { compareRuns, toRuns, type Row } from './rows.js'
import { comparisonCells } from './table.js'

const { values } = parseArgs({
  options: {
    filter: { type: 'string', default: '' },
    target: { type: 'string', default: 'all' },
    engine: { type: 'string', multiple: true, default: [] },
    json: { type: 'string' },
    html: { type: 'string' },
  },
})

const BUNDLE = 'build/bench.mjs'

/** Programs of the engines in a folder of packages, which brings those for this platform. */
function programsIn(packages: string): string[] {
  const here = `${process.platform}-${process.arch}`
  const of = (folder: string, isEngine: RegExp, program: string): string[] => {
    const path = `${packages}/${folder}`
    const names = existsSync(path) ? readdirSync(path).filter((name) => isEngine.test(name)) : []
    return names.map((name) => `${path}/${name}/${program}`)
  }
  return [
    ...of('', /^node\d+$/, 'bin/node'),
    ...of('@deno', new RegExp(`^${here}`), 'deno'),
    ...of('@oven', new RegExp(`^bun-${here}`), 'bin/bun'),
  ]
}

/** Bun would fetch packages that a file asks for; Deno asks for leave to read the name of the processor. */
function argumentsOf(engine: string): string[] {
  const name = engine.split('/').at(-1)!
  if (name.startsWith('deno')) return ['run', '--no-remote', '--allow-sys', BUNDLE]
  return name.startsWith('bun') ? ['--no-install', BUNDLE] : [BUNDLE]
}

async function measureIn(engine: string): Promise<Row[]> {
  const child = spawn(engine, [...argumentsOf(engine), values.filter, values.target], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve))
  const rows: Row[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) rows.push(JSON.parse(line) as Row)
    else console.error(`${engine}: ${line}`)
  }
  const code = await ended
  if (code !== 0) throw new Error(`${engine} ended with ${code} after ${rows.length} rows`)
  return rows
}

mkdirSync('build', { recursive: true })
writeFileSync(BUNDLE, await bundle('bench/entry.ts'))
const engines = [process.execPath, ...programsIn(installEngines()), ...values.engine]
const measured = commit()
const rows: Row[] = []
for (const engine of engines) {
  console.error(engine)
  try {
    rows.push(...(await measureIn(engine)))
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
}
const stamped = rows.map((row) => ({ ...row, ...(measured === undefined ? {} : { commit: measured }) }))
const side = toRuns(new Map([['', stamped]]))
printTable(comparisonCells(side, compareRuns(side)))
writeRows(stamped, values)
if (rows.some((row) => !row.exact)) process.exitCode = 1
