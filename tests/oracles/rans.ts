// Written from FORMAT.md alone: a symbol at a time, slots searched.

export function decodeRansFrame(bytes: Uint8Array): number[] {
  let at = 0
  const byte = (): number => {
    if (at >= bytes.length) throw new Error('past the end')
    return bytes[at++]!
  }
  const integer = (size: number): number => {
    let value = 0
    for (let i = 0; i < size; i++) value += byte() * 256 ** i
    return value
  }

  let count = 0
  for (let scale = 1; ; scale *= 128) {
    const next = byte()
    count += (next % 128) * scale
    if (next === 0 && scale > 1) throw new Error('superfluous byte')
    if (next < 128) break
  }

  const symbols: number[] = []
  let table: Frequency[] | undefined
  while (symbols.length < count) {
    const n = Math.min(2 ** 18, count - symbols.length)
    const mode = byte()
    if (mode > 2) throw new Error('mode')
    if (mode === 0) {
      for (let i = 0; i < n; i++) symbols.push(byte())
      continue
    }
    if (mode === 1) {
      const read = readTable(bytes.subarray(at))
      at += read.size
      if (read.table.length === 1) {
        for (let i = 0; i < n; i++) symbols.push(read.table[0]!.symbol)
        table = undefined
        continue
      }
      table = read.table
    }
    if (table === undefined) throw new Error('no frequencies')
    const scale = table.reduce((sum, { f }) => sum + f, 0)
    const states = Array.from({ length: n >= 65536 ? 16 : 1 }, () => integer(4))
    for (const x of states) if (x < 2 ** 15 || x >= 2 ** 31) throw new Error('state')
    for (let i = 0; i < n; i++) {
      let x = states[i % states.length]!
      const slot = x % scale
      let c = 0
      let k = 0
      while (c + table[k]!.f <= slot) c += table[k++]!.f
      symbols.push(table[k]!.symbol)
      x = table[k]!.f * Math.floor(x / scale) + slot - c
      if (x < 2 ** 15) x = x * 2 ** 16 + integer(2)
      states[i % states.length] = x
    }
    for (const x of states) if (x !== 2 ** 15) throw new Error('final state')
  }
  if (at !== bytes.length) throw new Error('more bytes')
  return symbols
}

interface Frequency {
  symbol: number
  f: number
}

function readTable(bytes: Uint8Array): { table: Frequency[]; size: number } {
  let at = 0
  const field = (width: number): number => {
    let value = 0
    for (let i = 0; i < width; i++, at++) {
      if (at >= bytes.length * 8) throw new Error('past the end')
      value += ((bytes[at >> 3]! >> (at & 7)) & 1) * 2 ** i
    }
    return value
  }
  const zeros = (): number => {
    let count = 0
    while (field(1) === 0) count++
    return count
  }
  const gamma = (): number => {
    const k = zeros()
    return 2 ** k + field(k)
  }
  const table: Frequency[] = []
  const used = field(8) + 1
  if (used === 1) {
    table.push({ symbol: gamma() - 1, f: 1 })
    if (table[0]!.symbol > 255) throw new Error('symbol')
  } else {
    let level = (used - 1).toString(2).length
    let symbol = -1
    while (table.length < used) {
      symbol += gamma()
      const run = gamma()
      if (table.length + run > used || symbol + run > 256) throw new Error('run')
      for (let i = 0; i < run; i++, symbol++) {
        const z = zeros()
        level += z % 2 === 1 ? (z + 1) / 2 : -z / 2
        if (level < 1 || level > 12) throw new Error('level')
        table.push({ symbol, f: 2 ** (12 - level) })
      }
    }
    for (const entry of table) entry.f += field(Math.log2(entry.f))
    const sum = table.reduce((sum, { f }) => sum + f, 0)
    if (sum !== 4096 && sum !== 8192) throw new Error('sum')
  }
  while (at % 8 !== 0) if (field(1) !== 0) throw new Error('padding')
  return { table, size: at / 8 }
}
