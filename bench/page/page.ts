// The suite in a page: ?filter=TEXT&target=TARGET&start=1 starts it at once.
import { bundledProbes } from '../bundled-probes.js'
import { htmlTable } from '../report.js'
import type { Row } from '../rows.js'
import { runSuite } from '../suite.js'
import { cellsOf, HEAD } from '../table.js'

const find = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E
const filter = find<HTMLInputElement>('filter')
const target = find<HTMLSelectElement>('target')
const start = find<HTMLButtonElement>('start')
const status = find('status')
const save = find<HTMLAnchorElement>('save')

/** A turn of the event loop, in which the page paints. */
const paint = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

async function run(): Promise<void> {
  start.disabled = true
  save.hidden = true
  const rows: Row[] = []
  const notes: string[] = []
  status.textContent = 'measuring the machine ...'
  await paint()
  try {
    await runSuite({
      probes: bundledProbes(),
      filter: filter.value,
      target: target.value,
      onNote: (note) => notes.push(note),
      onRow: (row) => {
        rows.push(row)
        status.textContent = `${row.kernel} ${row.shape}`
        find('rows').innerHTML = htmlTable({ head: HEAD, body: rows.map(cellsOf) })
        return paint()
      },
    })
    status.textContent = `${rows.length} rows. ${notes.join('. ')}`
  } catch (error) {
    status.textContent = `failed: ${error instanceof Error ? error.message : String(error)}`
  }
  URL.revokeObjectURL(save.href)
  save.href = URL.createObjectURL(new Blob([JSON.stringify(rows, null, 1)], { type: 'application/json' }))
  save.hidden = rows.length === 0
  start.disabled = false
}

const query = new URLSearchParams(location.search)
filter.value = query.get('filter') ?? ''
target.value = query.get('target') ?? 'all'
start.addEventListener('click', () => void run())
if (query.has('start')) void run()
