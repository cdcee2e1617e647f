import { SingleBar } from 'cli-progress'
import Table from 'cli-table3'
import { writeFile } from './files.js'

export type Row = Readonly<Record<string, string | number | null>>

/** Prints rows as a table; numbers are aligned to the right. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const table = new Table({
    head: [...head],
    style: { head: [], border: [], compact: true },
    colAligns: head.map((_, column) =>
      rows.every((row) => /^[-\d]/.test(String(row[column]))) ? 'right' : 'left',
    ),
  })
  table.push(...rows.map((row) => row.map(String)))
  process.stdout.write(`${table.toString()}\n`)
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Writes flat rows for programs, if a file was asked for. */
export function writeRows(path: string | undefined, rows: readonly Row[]): void {
  if (path !== undefined) writeFile(path, `${JSON.stringify(rows, null, 2)}\n`)
}

/** A progress bar on a terminal's stderr; elsewhere nothing. */
export class Progress {
  readonly #bar: SingleBar | undefined
  #label = ''

  constructor() {
    if (process.stderr.isTTY) {
      this.#bar = new SingleBar({
        format: '{label} [{bar}] {percentage}%',
        clearOnComplete: true,
        stream: process.stderr,
        hideCursor: false,
      })
    }
  }

  update(label: string, done: number, total: number): void {
    if (this.#bar === undefined) return
    const padded = label.padEnd(28)
    if (this.#label === '') this.#bar.start(total, done, { label: padded })
    this.#label = label
    this.#bar.setTotal(total)
    this.#bar.update(done, { label: padded })
  }

  stop(): void {
    this.#bar?.stop()
    this.#label = ''
  }
}

export const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`
export const percent = (share: number, digits = 2): string => `${(share * 100).toFixed(digits)} %`
/** Per cent as a number of two digits behind the point. */
export const percentOf = (share: number): number => Math.round(share * 10000) / 100
