import { freshName } from '../../graph/uses.js'
import { DTYPE_BITS } from '../safetensors/dtypes.js'
import type { SafetensorsEntry } from '../safetensors/header.js'

/** The entries of a file that is being written, in order of first use. */
export class EntryList {
  readonly #entries: SafetensorsEntry[] = []
  readonly #names = new Set(['__metadata__'])

  /** Adds an entry; returns its name, which is `wanted` unless that is taken. */
  add(wanted: string, dtype: string, shape: readonly number[], bytes: Uint8Array): string {
    const name = freshName(this.#names, wanted)
    this.#entries.push({ name, dtype, shape, bytes })
    return name
  }

  /**
   * The entries so ordered that elements are aligned, which some readers of safetensors need: first the few of 8 bytes
   * an element, last those whose size is no multiple of 4, between them all others in the order of their use.
   */
  aligned(): SafetensorsEntry[] {
    const rank = ({ dtype, bytes }: SafetensorsEntry): number =>
      DTYPE_BITS.get(dtype) === 64 ? 0 : bytes.length % 4 === 0 ? 1 : DTYPE_BITS.get(dtype) === 16 ? 2 : 3
    return [...this.#entries].sort((a, b) => rank(a) - rank(b))
  }
}

/** Joins parts to one array. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}
