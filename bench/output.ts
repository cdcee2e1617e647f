// What every command does with its rows: a table, `--json`, `--html`.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import Table from 'cli-table3'
import { renderReport } from './report.js'
import { compareRuns, parseRows, toRuns, type Row } from './rows.js'
import { comparisonCells, type Cells } from './table.js'

export function printTable({ head, body }: Cells): void {
  const table = new Table({ head, style: { head: [], border: [], compact: true } })
  table.push(...body)
  console.log(table.toString())
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
}

/** The commit that was measured, with a `+` when files differ from it; undefined outside a repository. */
export function commit(): string | undefined {
  try {
    const name = git('rev-parse', '--short', 'HEAD')
    return git('status', '--porcelain', '--untracked-files=no') === '' ? name : `${name}+`
  } catch {
    return undefined
  }
}

/** The script that draws the charts, from the installed package. */
function chartLibrary(): string {
  const main = createRequire(import.meta.url).resolve('chart.js')
  return readFileSync(`${dirname(main)}/chart.umd.min.js`, 'utf8')
}

export interface Destinations {
  json?: string | undefined
  html?: string | undefined
}

/** Writes rows where the command line asks, and sets the exit code if one is not exact. */
export function writeRows(rows: readonly Row[], { json, html }: Destinations): void {
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(rows, null, 1)}\n`)
  if (html !== undefined) writeFileSync(html, renderReport(new Map([['', rows]]), chartLibrary()))
}

/** Compares files of rows: the first run is the base. */
export function compareFiles(names: readonly string[], { html }: Pick<Destinations, 'html'>): void {
  const files = new Map(names.map((name) => [name, parseRows(name, readFileSync(name, 'utf8'))]))
  const runs = toRuns(files)
  printTable(comparisonCells(runs, compareRuns(runs)))
  if (html !== undefined) writeFileSync(html, renderReport(files, chartLibrary()))
}
