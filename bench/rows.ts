export type Unit = 'GOP/s' | 'GFLOP/s' | 'GB/s' | 'MV/s' | '% over entropy'

/** One line of the table and of `--json`. */
export interface Row {
  kernel: string
  shape: string
  target: string
  contender: string
  medianMs: number
  minMs: number
  rate: number
  unit: Unit
  /** Ours over this one's rate, where ours is the row's `against` target; 1 in our own rows. */
  ratio: number
  /** Share of the machine's own measured peak for this kind of work; null where no peak was measured. */
  peakShare: number | null
  exact: boolean
  /** Least and greatest of the medians of the rounds: what a verdict between two rows rests on. */
  lowMs: number
  highMs: number
  /** Where the row was measured. */
  engine?: string
  cpu?: string
  commit?: string
  /** In a peer's row: the target of ours that `ratio` is about, the ratio to reach, and whether it was. */
  against?: string
  goal?: number
  reached?: boolean
}

export type Verdict = 'faster' | 'slower' | 'same' | 'not exact'

/** Where code is placed alone moves a time by so much, in either direction. */
const PLACEMENT = 0.04

/**
 * How `row` compares with `base`. A difference counts when no round of one was as fast as any round of the other (with
 * five rounds each, chance alone does that in 1 case of 126) and it is more than the placement of code explains. A
 * wrong result has no speed.
 */
export function verdict(base: Row, row: Row): Verdict {
  if (!base.exact || !row.exact) return 'not exact'
  if (row.highMs < base.lowMs && row.medianMs < base.medianMs * (1 - PLACEMENT)) return 'faster'
  if (row.lowMs > base.highMs && row.medianMs > base.medianMs * (1 + PLACEMENT)) return 'slower'
  return 'same'
}

/** One run in a comparison: a machine, an engine or a commit. */
export interface Run {
  label: string
  rows: Row[]
}

const PLACES = ['engine', 'cpu', 'commit'] as const

/**
 * Splits the rows of several files by where they were measured. A label names only what tells the runs apart; equal
 * places fall back on the names of their files.
 */
export function toRuns(files: ReadonlyMap<string, readonly Row[]>): Run[] {
  const runs: { file: string; place: Row; rows: Row[] }[] = []
  for (const [file, rows] of files) {
    for (const row of rows) {
      const run = runs.find((r) => r.file === file && PLACES.every((key) => r.place[key] === row[key]))
      if (run) run.rows.push(row)
      else runs.push({ file, place: row, rows: [row] })
    }
  }
  const differing = PLACES.filter((key) => new Set(runs.map((run) => run.place[key])).size > 1)
  const named = runs.map((run) => differing.map((key) => run.place[key] ?? 'unknown').join(', '))
  return runs.map(({ file, rows }, i) => {
    const name = named[i]!
    const alone = name !== '' && named.filter((other) => other === name).length === 1
    return { label: alone ? name : [file, name].filter(Boolean).join(': '), rows }
  })
}

/** What was measured, wherever that was. */
export function caseOf({ kernel, shape, target, contender, against = '' }: Row): string {
  return [kernel, shape, target, contender, against].join('|')
}

export interface ComparedCase {
  /** The row of each run, in their order; undefined where a run lacks the case. */
  rows: (Row | undefined)[]
  /** Against the first run; undefined for that one, and where either lacks the case. */
  verdicts: (Verdict | undefined)[]
}

/** Sets runs side by side, case by case, in the order in which cases first appear. */
export function compareRuns(runs: readonly Run[]): ComparedCase[] {
  const cases = new Map<string, (Row | undefined)[]>()
  runs.forEach((run, i) => {
    for (const row of run.rows) {
      const key = caseOf(row)
      if (!cases.has(key))
        cases.set(
          key,
          runs.map(() => undefined),
        )
      cases.get(key)![i] = row
    }
  })
  return [...cases.values()].map((rows) => ({
    rows,
    verdicts: rows.map((row, i) => (i > 0 && row && rows[0] ? verdict(rows[0], row) : undefined)),
  }))
}

const FIELDS = ['kernel', 'shape', 'target', 'contender', 'unit'] as const
const NUMBERS = ['medianMs', 'minMs', 'rate', 'ratio', 'lowMs', 'highMs'] as const

/** Reads what `--json` wrote. @throws TypeError naming the first row that is none */
export function parseRows(name: string, text: string): Row[] {
  const rows: unknown = JSON.parse(text)
  if (!Array.isArray(rows)) throw new TypeError(`"${name}" expected an array of rows`)
  rows.forEach((row: Record<string, unknown> | null, i) => {
    const bad =
      typeof row !== 'object' || row === null
        ? 'an object'
        : (FIELDS.find((key) => typeof row[key] !== 'string') ??
          NUMBERS.find((key) => typeof row[key] !== 'number'))
    if (bad) throw new TypeError(`"${name}" row ${i} lacks ${bad}`)
  })
  return rows as Row[]
}
