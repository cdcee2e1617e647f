import { describe, expect, it } from 'vitest'
import { assignOffsets, type Lifetime } from '../bindings/infer/offsets.js'
import { Random } from './support/random.js'

/** The most bytes alive at one step: no assignment can do with less. */
function lowerBound(buffers: readonly Lifetime[]): number {
  const steps = buffers.map(({ first }) => first)
  const alive = (step: number): number =>
    buffers
      .filter(({ first, last }) => first <= step && step <= last)
      .reduce((sum, { bytes }) => sum + Math.ceil(bytes / 64) * 64, 0)
  return Math.max(0, ...steps.map(alive))
}

describe('assignOffsets', () => {
  it('gives the second region of a chain to every other buffer', () => {
    const chain = [1000, 500, 900, 100].map((bytes, i) => ({ bytes, first: i, last: i + 1 }))
    expect(assignOffsets(chain)).toEqual({ offsets: [0, 1024, 0, 960], bytes: 1536 })
  })

  it('fills the smallest gap that fits', () => {
    const buffers = [
      { bytes: 640, first: 0, last: 9 },
      { bytes: 512, first: 0, last: 3 },
      { bytes: 448, first: 0, last: 9 },
      { bytes: 64, first: 4, last: 9 },
    ]
    expect(assignOffsets(buffers)).toEqual({ offsets: [0, 640, 1152, 640], bytes: 1600 })
  })

  it('takes no buffer and buffers without bytes', () => {
    expect(assignOffsets([])).toEqual({ offsets: [], bytes: 0 })
    expect(assignOffsets([{ bytes: 0, first: 0, last: 1 }]).bytes).toBe(0)
  })

  it('never lets two live buffers overlap, aligns all, and stays near the lower bound', () => {
    const random = new Random(5)
    let asked = 0
    let least = 0
    for (let round = 0; round < 200; round++) {
      const buffers = Array.from({ length: random.integer(1, 40) }, () => {
        const first = random.integer(-1, 20)
        return { bytes: random.integer(0, 5000), first, last: first + random.integer(0, 6) }
      })
      const { offsets, bytes } = assignOffsets(buffers)
      const fits = buffers.every((a, i) => offsets[i]! % 64 === 0 && offsets[i]! + a.bytes <= bytes)
      const clashes = buffers.some((a, i) =>
        buffers.slice(0, i).some((b, j) => {
          const together = a.first <= b.last && b.first <= a.last
          const apart = offsets[i]! + a.bytes <= offsets[j]! || offsets[j]! + b.bytes <= offsets[i]!
          return together && !apart
        }),
      )
      expect({ fits, clashes }).toEqual({ fits: true, clashes: false })
      asked += bytes
      least += lowerBound(buffers)
    }
    expect(asked / least).toBeLessThan(1.1)
  })
})
