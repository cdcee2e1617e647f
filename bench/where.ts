import type { Row } from './rows.js'

interface Host {
  Bun?: { version: string }
  Deno?: { version: { deno: string } }
  process?: {
    versions?: { node?: string }
    getBuiltinModule?(name: 'node:os'): { cpus(): { model: string }[] } | undefined
  }
  navigator?: { userAgent?: string }
}

/** Browsers name themselves last; the first names are history. */
const BROWSERS = /(Firefox|Edg|Chrome|Version)\/([\d.]+)/g

function engineName({ Bun, Deno, process, navigator }: Host): string {
  if (Bun) return `Bun ${Bun.version}`
  if (Deno) return `Deno ${Deno.version.deno}`
  if (process?.versions?.node) return `Node ${process.versions.node}`
  const found = [...(navigator?.userAgent ?? '').matchAll(BROWSERS)].at(-1)
  return found ? `${found[1] === 'Version' ? 'WebKit' : found[1]} ${found[2]}` : 'unknown'
}

/** The engine and the processor that this code runs on; a browser does not tell the latter. */
export function whereabouts(): Pick<Row, 'engine' | 'cpu'> {
  const host = globalThis as unknown as Host
  const cpu = host.process?.getBuiltinModule?.('node:os')?.cpus()[0]?.model.trim()
  return { engine: engineName(host), ...(cpu ? { cpu } : {}) }
}
