import { compareRuns, toRuns, type Row, type Run } from './rows.js'
import { cellsOf, comparisonCells, HEAD, PEER_HEAD, peerCellsOf, type Cells } from './table.js'

/** Text inside HTML; also keeps `</script` out of inlined data. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`)
}

const inScript = (data: unknown): string => JSON.stringify(data).replaceAll('<', '\\u003c')

/** @returns an HTML table; losses stand out */
export function htmlTable({ head, body }: Cells): string {
  const cell = (text: string): string => {
    const bad = /NO$|MISSED|slower|not exact/.test(text)
    return `<td${bad ? ' class="bad"' : ''}>${escapeHtml(text)}</td>`
  }
  const headings = head.map((text) => `<th>${escapeHtml(text)}</th>`).join('')
  const lines = body.map((cells) => `<tr>${cells.map(cell).join('')}</tr>`)
  return `<table><thead><tr>${headings}</tr></thead><tbody>\n${lines.join('\n')}\n</tbody></table>`
}

const COLOURS = ['#0b6e4f', '#d1495b', '#edae49', '#30638e', '#7768ae', '#8d99ae', '#3d405b', '#bc6c25']

interface Dataset {
  label: string
  backgroundColor: string
  data: (number | null)[]
}

/** What the chart library draws: one chart a kernel, a group of bars a shape, a bar a contender. */
export interface Chart {
  title: string
  type: 'bar'
  data: { labels: string[]; datasets: Dataset[] }
  options: object
}

export function chartsOf(runs: readonly Run[]): Chart[] {
  const kernels = new Map<string, { row: Row; series: string }[]>()
  for (const { label, rows } of runs) {
    for (const row of rows) {
      const title = `${row.kernel}, ${row.unit}`
      const series = [row.contender, row.target, runs.length > 1 ? label : ''].filter(Boolean).join(' · ')
      if (!kernels.has(title)) kernels.set(title, [])
      kernels.get(title)!.push({ row, series })
    }
  }
  return [...kernels].map(([title, bars]) => {
    const labels = [...new Set(bars.map(({ row }) => row.shape))]
    const names = [...new Set(bars.map(({ series }) => series))]
    const rate = (name: string, shape: string): number | null =>
      bars.find(({ row, series }) => series === name && row.shape === shape)?.row.rate ?? null
    return {
      title,
      type: 'bar',
      data: {
        labels,
        datasets: names.map((label, i) => ({
          label,
          backgroundColor: COLOURS[i % COLOURS.length]!,
          data: labels.map((shape) => rate(label, shape)),
        })),
      },
      options: {
        indexAxis: 'y',
        animation: false,
        maintainAspectRatio: false,
        scales: { x: { beginAtZero: true, title: { display: true, text: title } } },
      },
    }
  })
}

export const STYLE = `
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #222 }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums }
th, td { padding: 2px 10px; border-bottom: 1px solid #ddd; text-align: left; white-space: nowrap }
.bad { color: #b00020; font-weight: 600 }
.chart { position: relative; max-width: 60rem }`

function tablesOf(runs: readonly Run[]): string {
  if (runs.length > 1) {
    const note =
      'Each rate, its ratio to the first column, and whether the spread of the rounds allows a verdict.'
    return `<p>${note}</p>\n${htmlTable(comparisonCells(runs, compareRuns(runs)))}`
  }
  const rows = runs[0]?.rows ?? []
  return rows.some(({ contender }) => contender !== 'mcompress')
    ? htmlTable({ head: PEER_HEAD, body: rows.map(peerCellsOf) })
    : htmlTable({ head: HEAD, body: rows.map(cellsOf) })
}

/**
 * A page that needs nothing from elsewhere: tables as HTML, charts drawn by the inlined library.
 *
 * @param files rows by the name of their file
 * @param library script that defines `Chart` (Chart.js, its UMD build)
 */
export function renderReport(files: ReadonlyMap<string, readonly Row[]>, library: string): string {
  const runs = toRuns(files)
  const charts = chartsOf(runs)
  const places = runs.map(({ label, rows }) => {
    const { engine, cpu, commit } = rows[0]!
    const place = [label, engine, cpu, commit].filter(Boolean)
    return `<li>${escapeHtml([...new Set(place)].join(', '))}</li>`
  })
  const canvases = charts.map(({ title, data }, i) => {
    const pixels = 90 + data.labels.length * (16 + 14 * data.datasets.length)
    return `<h2>${escapeHtml(title)}</h2>\n<div class="chart" style="height: ${pixels}px"><canvas id="chart${i}"></canvas></div>`
  })
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>mcompress-wasm benchmarks</title>
<style>${STYLE}
</style>
</head>
<body>
<h1>mcompress-wasm benchmarks</h1>
<ul>
${places.join('\n')}
</ul>
${canvases.join('\n')}
<h2>All rows</h2>
${tablesOf(runs)}
<script>${library.replaceAll('</script', '<\\/script')}</script>
<script>
${inScript(charts)}.forEach((chart, i) => new Chart(document.getElementById('chart' + i), chart))
</script>
</body>
</html>
`
}
