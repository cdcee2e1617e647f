import { gammaOf, peekBits, putBits, putGamma, reversed } from '../../assembly/common/bits'

describe('bit strings', () => {
  it('come back as they were put, wherever they begin', () => {
    const bytes = changetype<usize>(new StaticArray<u8>(64))
    for (let bit: u64 = 0; bit < 8; bit++) {
      const start = ((<u64>bytes) << 3) + bit
      let position = putBits(start, 0x123456789abcd, 53)
      position = putGamma(position, 300)
      position = putGamma(position, 1)
      const end = putBits(position, 5, 3)
      expect(end - start).toBe(53 + 17 + 1 + 3)
      expect(peekBits(start, end) & 0x1fffffffffffff).toBe(0x123456789abcd)
      expect(gammaOf(peekBits(start + 53, end))).toBe((300 << 8) | 17)
      expect(gammaOf(peekBits(start + 70, end))).toBe((1 << 8) | 1)
      expect(peekBits(start + 71, end)).toBe(5)
    }
  })

  it('end in zeros', () => {
    const bytes = changetype<usize>(new StaticArray<u8>(16))
    memory.fill(bytes, 255, 16)
    const start = (<u64>bytes) << 3
    expect(peekBits(start, start)).toBe(0)
    expect(peekBits(start + 3, start + 8)).toBe(31)
    expect(gammaOf(peekBits(start, start))).toBe(0)
  })

  it('turn around', () => {
    expect(reversed(0b1101, 4)).toBe(0b1011)
    expect(reversed(1, 12)).toBe(1 << 11)
  })
})
