// Written from FORMAT.md alone: cells in a map by name, no tables but the page's.

const T = [
  1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785,
  3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095,
]

const clamp = (x: number, low: number, high: number): number => Math.max(low, Math.min(high, x))

function squash(x: number): number {
  const i = Math.floor((x + 2048) / 128)
  const f = (x + 2048) % 128
  return clamp(Math.floor((T[i]! * (128 - f) + T[i + 1]! * f + 64) / 128), 1, 4095)
}

function stretch(p: number): number {
  let low = -2047
  let high = 2047
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (squash(middle) >= p) high = middle
    else low = middle + 1
  }
  return low
}

/** `bytes` from behind the mode on. */
export function decodeContext(bytes: Uint8Array): number[] {
  let at = 0
  const byte = (): number => {
    if (at >= bytes.length) throw new Error('past the end')
    return bytes[at++]!
  }
  const leb = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const next = byte()
      value += (next % 128) * scale
      if (next < 128) return value
    }
  }
  const count = leb()
  const zero = byte()
  const width = byte()
  const columns = leb()
  const d = leb()

  let low = 0
  let high = 2 ** 32 - 1
  let x = 0
  for (let i = 0; i < 4; i++) x = x * 256 + byte()
  const decide = (P: number): number => {
    const middle = low + Math.floor((high - low) / 4096) * P
    const bit = x <= middle ? 1 : 0
    if (bit === 1) high = middle
    else low = middle + 1
    while (Math.floor(low / 2 ** 24) === Math.floor(high / 2 ** 24)) {
      low = (low % 2 ** 24) * 256
      high = (high % 2 ** 24) * 256 + 255
      x = (x % 2 ** 24) * 256 + byte()
    }
    return bit
  }

  const cells = new Map<string, { q: number; t: number }>()
  const sets = new Map<string, number[]>()
  const decision = (names: string[], setName: string): number => {
    const used = names.map((name, i) => {
      const key = `${i} ${name}`
      if (!cells.has(key)) cells.set(key, { q: 32768, t: 0 })
      return cells.get(key)!
    })
    if (!sets.has(setName)) sets.set(setName, [...used.map(() => 16384), 0])
    const weights = sets.get(setName)!
    const inputs = [...used.map(({ q }) => stretch(Math.floor(q / 16))), 256]
    let sum = 0
    inputs.forEach((input, i) => (sum += input * weights[i]!))
    const P = squash(clamp(Math.floor(sum / 65536), -2047, 2047))
    const bit = decide(P)
    const e = 4096 * bit - P
    inputs.forEach((input, i) => {
      weights[i] = clamp(weights[i]! + Math.floor((input * e + 2048) / 4096), -(2 ** 20), 2 ** 20)
    })
    for (const cell of used) {
      cell.q += Math.trunc((2 * (65535 * bit - cell.q)) / (2 * cell.t + 3))
      cell.t = Math.min(cell.t + 1, 255)
    }
    return bit
  }

  const symbols: number[] = []
  const few = Math.floor((3 * 2 ** (width - 1)) / 8)
  const side = (v: number): number => (v === 0 ? 0 : v < 0 ? 1 : 2)
  const strength = (v: number): number => (v === 0 ? 0 : v < 0 ? (v >= -few ? 1 : 2) : v <= few ? 3 : 4)
  for (let i = 0; i < count; i++) {
    const r = Math.floor(i / columns)
    const c = i % columns
    const value = (rows: number, places: number): number => {
      if (r < rows || c < places) return 0
      const v = (symbols[i - rows * columns - places]! - zero + 2 ** width) % 2 ** width
      return v >= 2 ** (width - 1) ? v - 2 ** width : v
    }
    const [L, L2, B, BL, BR] = [1, 2, d, d + 1, d - 1].map((places) => value(0, places)) as [
      number,
      number,
      number,
      number,
      number,
    ]
    const is = (v: number): number => (v === 0 ? 0 : 1)
    const near = 2 * is(L) + is(L2) + 2 * is(B) + is(BL) + is(BR)
    const over = is(value(1, 0)) + is(value(2, 0)) + is(value(3, 0))
    const pair = `${strength(L)} ${strength(B)}`
    const zeros = [`z ${c % 1024}`, `z ${r % 1024}`, `z ${pair}`, `z ${near} ${over}`]
    if (decision(zeros, `z ${near}`) === 1) {
      symbols.push(zero)
      continue
    }
    let node = 1
    for (let k = 0; k < width; k++) {
      const sides = [L, BL, B, BR].map(side).join(' ')
      const names = ['', pair, sides, `${r % 1024}`, `${c % 1024}`].map((name) => `b ${node} ${name}`)
      node = 2 * node + decision(names, `b ${node}`)
    }
    if (node - 2 ** width === zero) throw new Error('zero spelled as another symbol')
    symbols.push(node - 2 ** width)
  }
  if (x !== low || at !== bytes.length) throw new Error('the end')
  return symbols
}
