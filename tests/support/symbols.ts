import { Random } from './random.js'

/** Symbol sources for entropy coders, from one symbol to all of them equally often. */
export const SOURCES: Record<string, (random: Random) => number> = {
  constant: () => 200,
  'two symbols far apart': (random) => (random.next() < 0.05 ? 255 : 0),
  ternary: (random) => random.integer(-1, 1) & 255,
  'codebook of 32': (random) => Math.min(Math.max(Math.round(random.normal() * 5 + 16), 0), 31),
  gaussian: (random) => Math.min(Math.max(Math.round(random.normal() * 25), -128), 127) & 255,
  uniform: (random) => random.integer(0, 255),
  'even symbols': (random) => random.integer(0, 127) * 2,
}

export function draw(source: string, length: number, seed = 1): Uint8Array {
  const random = new Random(seed)
  const x = new Uint8Array(length)
  for (let i = 0; i < length; i++) x[i] = SOURCES[source]!(random)
  return x
}
