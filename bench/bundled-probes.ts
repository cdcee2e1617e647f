import type { Probes } from './probes.js'

/** Base64, put in place by bundle.ts. */
declare const PROBES: { plain: string; relaxed: string }

const decode = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (char) => char.charCodeAt(0))

export const bundledProbes = (): Probes => ({ plain: decode(PROBES.plain), relaxed: decode(PROBES.relaxed) })
