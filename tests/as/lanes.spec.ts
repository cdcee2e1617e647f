import { copyBytes, fillBytes } from '../../assembly/common/copy'
import { storeBytes, storeLanes } from '../../assembly/common/lanes'
import { endTap, firstTap } from '../../assembly/common/window'

const MARK: u8 = 0xee

/** A region of marks: what is written shows. */
function marked(): StaticArray<u8> {
  return new StaticArray<u8>(128).fill(MARK)
}

describe('storing tails', () => {
  it('storeBytes writes the first n bytes and no other', () => {
    const bytes = i8x16(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)
    for (let n = 0; n < 16; n++) {
      const region = marked()
      storeBytes(changetype<usize>(region) + 3, bytes, n)
      for (let i = 0; i < 128; i++) {
        expect(region[i]).toBe(i >= 3 && i < 3 + n ? <u8>(i - 2) : MARK)
      }
    }
  })

  it('storeLanes writes the first n lanes and no other', () => {
    const lanes = i32x4(0x01010101, 0x02020202, 0x03030303, 0x04040404)
    for (let n = 0; n < 4; n++) {
      const region = marked()
      storeLanes(changetype<usize>(region) + 5, lanes, n)
      for (let i = 0; i < 128; i++) {
        expect(region[i]).toBe(i >= 5 && i < 5 + 4 * n ? <u8>((i - 5) / 4 + 1) : MARK)
      }
    }
  })
})

describe('copying', () => {
  it('copyBytes and fillBytes write n bytes and no other', () => {
    const source = new StaticArray<u8>(128)
    for (let i = 0; i < 128; i++) source[i] = <u8>i
    for (let n = 0; n <= 70; n++) {
      const copy = marked()
      const fill = marked()
      copyBytes(changetype<usize>(copy) + 7, changetype<usize>(source) + 11, n)
      fillBytes(changetype<usize>(fill) + 7, i8x16.splat(9), n)
      for (let i = 0; i < 128; i++) {
        const inside = i >= 7 && i < 7 + n
        expect(copy[i]).toBe(inside ? <u8>(i + 4) : MARK)
        expect(fill[i]).toBe(inside ? 9 : MARK)
      }
    }
  })
})

describe('taps of a window', () => {
  it('firstTap and endTap are the taps inside, counted one by one', () => {
    for (let size = 0; size <= 5; size++) {
      for (let dilation = 1; dilation <= 3; dilation++) {
        for (let start = -9; start <= 6; start++) {
          let first = 4
          let inside = 0
          for (let tap = 3; tap >= 0; tap--) {
            const position = start + tap * dilation
            if (position >= 0) first = tap
            if (position >= 0 && position < size) inside++
          }
          const from = firstTap(start, dilation, 4)
          expect(from).toBe(first)
          expect(endTap(start, dilation, 4, size, from) - from).toBe(inside)
        }
      }
    }
  })
})
