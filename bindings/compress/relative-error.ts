/**
 * Sum of squared differences over the variance of the expected values: 0 for equal ones, 1 for their mean alone.
 */
export class RelativeError {
  #difference = 0
  #sum = 0
  #squares = 0
  #count = 0

  add(expected: Float32Array, actual: Float32Array): void {
    for (let i = 0; i < expected.length; i++) {
      const value = expected[i]!
      const difference = actual[i]! - value
      this.#difference += difference * difference
      this.#sum += value
      this.#squares += value * value
    }
    this.#count += expected.length
  }

  get value(): number {
    if (this.#difference === 0) return 0
    const spread = this.#squares - (this.#sum * this.#sum) / this.#count
    return spread > 0 ? this.#difference / spread : Infinity
  }
}
