// The cells of every table, the same in a terminal, in the report and in the page.
import type { ComparedCase, Row, Run } from './rows.js'

export interface Cells {
  head: string[]
  body: string[][]
}

const milliseconds = (ms: number): string => ms.toPrecision(4)
const rate = ({ rate, unit }: Row): string => `${rate.toFixed(2)} ${unit}`

function spread({ lowMs, highMs, medianMs }: Row): string {
  return `${((50 * (highMs - lowMs)) / medianMs).toFixed(0)} %`
}

const peakShare = ({ peakShare: share }: Row): string =>
  share === null ? '' : `${(100 * share).toFixed(0)} %`

export const HEAD = ['kernel', 'shape', 'target', 'median ms', 'min ms', '±', 'rate', 'of peak', 'exact']

export function cellsOf(row: Row): string[] {
  return [
    row.kernel,
    row.shape,
    row.target,
    milliseconds(row.medianMs),
    milliseconds(row.minMs),
    spread(row),
    rate(row),
    peakShare(row),
    row.exact ? 'yes' : 'NO',
  ]
}

export const PEER_HEAD = [
  'kernel',
  'shape',
  'contender',
  'target',
  'median ms',
  '±',
  'rate',
  'of peak',
  'ours / theirs',
  'to reach',
  '',
  'exact',
]

export function peerCellsOf(row: Row): string[] {
  const size = row.unit === '% over entropy'
  const bound = row.goal === undefined ? '' : `${size ? 'at most ' : ''}${row.goal}`
  return [
    row.kernel,
    row.shape,
    row.contender,
    row.target,
    size ? '' : milliseconds(row.medianMs),
    size ? '' : spread(row),
    rate(row),
    // What peers leave of the machine is their own concern.
    row.contender.startsWith('mcompress') ? peakShare(row) : '',
    row.ratio.toFixed(size ? 4 : 2) + (row.against === undefined ? '' : ` (${row.against})`),
    bound,
    row.reached === undefined ? '' : row.reached ? 'reached' : 'MISSED',
    row.exact ? 'yes' : 'NO',
  ]
}

/** Runs side by side; a later run shows how its time compares with the first one's. */
export function comparisonCells(runs: readonly Run[], cases: readonly ComparedCase[]): Cells {
  return {
    head: ['kernel', 'shape', 'target', 'contender', ...runs.map(({ label }) => label)],
    body: cases.map(({ rows, verdicts }) => {
      const { kernel, shape, target, contender } = rows.find((row) => row !== undefined)!
      const columns = rows.map((row, i) => {
        if (row === undefined) return ''
        const base = rows[0]
        if (verdicts[i] === undefined || base === undefined) return rate(row)
        return `${rate(row)}, ${(base.medianMs / row.medianMs).toFixed(2)}x ${verdicts[i]}`
      })
      return [kernel, shape, target, contender, ...columns]
    }),
  }
}
