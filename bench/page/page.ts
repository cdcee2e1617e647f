// The suite in a page, or in a Worker that runs this same script: ?filter=TEXT&target=TARGET&worker=1&start=1 starts it at once.
import { bundledProbes } from '../bundled-probes.js'
import { htmlTable } from '../report.js'
import type { Row } from '../rows.js'
import { runSuite } from '../suite.js'
import { cellsOf, HEAD } from '../table.js'

interface Wanted {
  readonly filter: string
  readonly target: string
}

type Message = { note: string } | { row: Row } | { failure: string } | { done: true }

function runHere(wanted: Wanted, send: (message: Message) => void | Promise<void>): Promise<void> {
  return runSuite({
    ...wanted,
    probes: bundledProbes(),
    onNote: (note) => void send({ note }),
    onRow: (row) => send({ row }),
  })
    .catch((error: unknown) => send({ failure: error instanceof Error ? error.message : String(error) }))
    .then(() => send({ done: true }))
}

function runInWorker(wanted: Wanted, receive: (message: Message) => void): Promise<void> {
  const script = document.getElementById('suite')!.textContent
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }))
  const worker = new Worker(url, { type: 'module' })
  return new Promise<void>((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<Message>) => {
      receive(data)
      if ('done' in data) resolve()
    }
    worker.onerror = ({ message }) => {
      receive({ failure: message })
      resolve()
    }
    worker.postMessage(wanted)
  }).finally(() => {
    worker.terminate()
    URL.revokeObjectURL(url)
  })
}

function startPage(): void {
  const find = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E
  const filter = find<HTMLInputElement>('filter')
  const target = find<HTMLSelectElement>('target')
  const worker = find<HTMLInputElement>('worker')
  const start = find<HTMLButtonElement>('start')
  const status = find('status')
  const save = find<HTMLAnchorElement>('save')

  /** A turn of the event loop, in which the page paints. */
  const paint = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

  const run = async (): Promise<void> => {
    start.disabled = true
    save.hidden = true
    const rows: Row[] = []
    const notes: string[] = []
    let failure: string | undefined
    const receive = (message: Message): Promise<void> => {
      if ('note' in message) notes.push(message.note)
      else if ('failure' in message) failure = message.failure
      else if ('row' in message) {
        rows.push(message.row)
        status.textContent = `${message.row.kernel} ${message.row.shape}`
        find('rows').innerHTML = htmlTable({ head: HEAD, body: rows.map(cellsOf) })
      }
      return paint()
    }
    status.textContent = 'measuring the machine ...'
    await paint()
    const wanted = { filter: filter.value, target: target.value }
    await (worker.checked
      ? runInWorker(wanted, (message) => void receive(message))
      : runHere(wanted, receive))
    status.textContent =
      failure === undefined ? `${rows.length} rows. ${notes.join('. ')}` : `failed: ${failure}`
    URL.revokeObjectURL(save.href)
    save.href = URL.createObjectURL(new Blob([JSON.stringify(rows, null, 1)], { type: 'application/json' }))
    save.hidden = rows.length === 0
    start.disabled = false
  }

  const query = new URLSearchParams(location.search)
  filter.value = query.get('filter') ?? ''
  target.value = query.get('target') ?? 'all'
  worker.checked = query.has('worker')
  start.addEventListener('click', () => void run())
  if (query.has('start')) void run()
}

if (typeof document === 'undefined') {
  self.onmessage = ({ data }: MessageEvent<Wanted>) =>
    void runHere(data, (message) => self.postMessage(message))
} else {
  startPage()
}
