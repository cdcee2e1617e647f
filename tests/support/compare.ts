import { expect } from 'vitest'

/** Fails at the first element whose value, or sign of zero, differs. Faster than toEqual on large arrays. */
export function expectSame(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length)
  for (let i = 0; i < expected.length; i++) {
    if (!Object.is(actual[i], expected[i])) {
      expect.fail(`element ${i} is ${actual[i]}, expected ${expected[i]}`)
    }
  }
}
