import { mapKeys } from './keys'
import { BOUNDARIES } from './layout'
import { assignSearch } from './search'
import { assignTable } from './table'

/** Values for which a table of 32768 bytes is worth filling. */
const WORTH_A_TABLE: i32 = 1024

/**
 * y[i] = how many of the boundaries (0 to 255, strictly ascending) lie below x[i]. x is finite.
 * Contract: assembly/README.md#kmeans
 */
export function f32_kmeans_assign(x: usize, boundaries: usize, count: i32, y: usize, n: i32): void {
  memory.copy(BOUNDARIES, boundaries, (<usize>count) << 2)
  for (let i = count; i < 256; i++) store<f32>(BOUNDARIES + ((<usize>i) << 2), Infinity)
  if (count > 0 && n >= WORTH_A_TABLE) {
    mapKeys(count)
    assignTable(x, count, y, n)
  } else {
    assignSearch(x, y, n)
  }
}
