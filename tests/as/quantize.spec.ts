import { f32_qs8_quantize } from '../../assembly/quantize/quantize'

describe('f32_qs8_quantize', () => {
  it('rounds ties to even', () => {
    const x: StaticArray<f32> = [0.5, 1.5, 2.5, -0.5, -1.5]
    const scale: StaticArray<f32> = [1]
    const zero: StaticArray<i8> = [0]
    const y = new StaticArray<i8>(5)
    f32_qs8_quantize(
      changetype<usize>(x),
      changetype<usize>(scale),
      changetype<usize>(zero),
      changetype<usize>(y),
      1,
      1,
      5,
      -128,
    )
    const expected: StaticArray<i8> = [0, 2, 2, 0, -2]
    for (let i = 0; i < 5; i++) expect(y[i]).toBe(expected[i])
  })
})
