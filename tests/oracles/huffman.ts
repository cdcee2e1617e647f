// Written from FORMAT.md alone: a bit at a time, codes looked up as text. Also brute force for optimal code lengths.

export function decodeFrame(bytes: Uint8Array): number[] {
  let at = 0
  const bit = (): number => {
    if (at >= bytes.length * 8) throw new Error('past the end')
    const value = (bytes[at >> 3]! >> (at & 7)) & 1
    at++
    return value
  }
  const field = (width: number): number => {
    let value = 0
    for (let i = 0; i < width; i++) value += bit() * 2 ** i
    return value
  }
  const zeros = (): number => {
    let count = 0
    while (bit() === 0) count++
    return count
  }
  const gamma = (): number => {
    const k = zeros()
    return 2 ** k + field(k)
  }

  let count = 0
  for (let scale = 1; ; scale *= 128) {
    const byte = field(8)
    count += (byte % 128) * scale
    if (byte === 0 && scale > 1) throw new Error('superfluous byte')
    if (byte < 128) break
  }

  const symbols: number[] = []
  let codes: Map<string, number> | undefined
  while (symbols.length < count) {
    const n = Math.min(2 ** 18, count - symbols.length)
    if (bit() === 1) {
      const table = readTable(field, gamma, zeros)
      if (table.length === 1) {
        for (let i = 0; i < n; i++) symbols.push(table[0]!.symbol)
        codes = undefined
        continue
      }
      codes = assignCodes(table)
    }
    if (codes === undefined) throw new Error('no code')
    const each = Math.floor(n / 8)
    const streams = n >= 2 ** 14 ? [each, each, each, each, each, each, each, n - 7 * each] : [n]
    const sizes = streams.slice(1).map(() => field((12 * each).toString(2).length))
    streams.forEach((length, index) => {
      const start = at
      for (let i = 0; i < length; i++) {
        let code = ''
        do code += bit()
        while (!codes!.has(code))
        symbols.push(codes!.get(code)!)
      }
      if (index < sizes.length && at - start !== sizes[index]) throw new Error('directory')
    })
  }
  while (at < bytes.length * 8) if (bit() !== 0 || at % 8 === 1) throw new Error('padding')
  return symbols
}

interface Entry {
  symbol: number
  length: number
}

function readTable(field: (width: number) => number, gamma: () => number, zeros: () => number): Entry[] {
  const used = field(8) + 1
  if (used === 1) {
    const symbol = gamma() - 1
    if (symbol > 255) throw new Error('symbol')
    return [{ symbol, length: 0 }]
  }
  const table: Entry[] = []
  let length = (used - 1).toString(2).length
  let symbol = -1
  while (table.length < used) {
    symbol += gamma()
    const run = gamma()
    if (table.length + run > used || symbol + run > 256) throw new Error('run')
    for (let i = 0; i < run; i++, symbol++) {
      const z = zeros()
      length += z % 2 === 1 ? (z + 1) / 2 : -z / 2
      if (length < 1 || length > 12) throw new Error('length')
      table.push({ symbol, length })
    }
  }
  return table
}

function assignCodes(table: Entry[]): Map<string, number> {
  const codes = new Map<string, number>()
  let next = 0
  let previous = 0
  for (const { symbol, length } of [...table].sort((a, b) => a.length - b.length || a.symbol - b.symbol)) {
    next *= 2 ** (length - previous)
    previous = length
    codes.set(next.toString(2).padStart(length, '0'), symbol)
    next++
  }
  if (next !== 2 ** previous) throw new Error('code space')
  return codes
}

/**
 * The least total of count * length over all prefix codes with lengths up to `limit`, by exhaustion: the multisets of
 * lengths that fill the code space, longest codes to the rarest symbols.
 */
export function bestCost(counts: readonly number[], limit: number): number {
  const sorted = counts.filter((count) => count > 0).sort((a, b) => b - a)
  let best = Infinity
  const search = (index: number, length: number, space: number, cost: number): void => {
    if (cost >= best) return
    if (index === sorted.length) {
      if (space === 0) best = cost
      return
    }
    for (let l = length; l <= limit; l++) {
      const share = 2 ** (limit - l)
      if (share <= space) search(index + 1, l, space - share, cost + sorted[index]! * l)
    }
  }
  if (sorted.length > 1) search(0, 1, 2 ** limit, 0)
  return sorted.length > 1 ? best : 0
}

/** Order-0 entropy of a sequence, in bits. */
export function entropyBits(symbols: ArrayLike<number>): number {
  const counts = new Map<number, number>()
  for (let i = 0; i < symbols.length; i++) counts.set(symbols[i]!, (counts.get(symbols[i]!) ?? 0) + 1)
  let bits = 0
  for (const count of counts.values()) bits -= count * Math.log2(count / symbols.length)
  return bits
}
