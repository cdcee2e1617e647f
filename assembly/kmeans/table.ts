import { keyOf, keysOf, KEYS } from './keys'
import { BOUNDARIES, TABLE, MAP } from './layout'
import { search } from './search'

/** The key belongs to a boundary, which decides only in full precision; or to the last of 256 centroids. */
const OPEN: i32 = 255

/** Values that are looked up before the open ones are decided. */
const CHUNK: i32 = 1024

/** One look-up a value in a table over all keys; those that it leaves open are searched for. */
export function assignTable(x: usize, count: i32, y: usize, n: i32): void {
  fillTable(count)
  while (n > 0) {
    const chunk = min(n, CHUNK)
    lookUp(x, y, chunk)
    decideOpen(x, y, chunk)
    x += (<usize>chunk) << 2
    y += <usize>chunk
    n -= chunk
  }
}

function fillTable(count: i32): void {
  let key = 0
  for (let i = 0; i <= count; i++) {
    const next = i < count ? keyOf(load<f32>(BOUNDARIES + ((<usize>i) << 2))) : KEYS
    if (next > key) memory.fill(TABLE + <usize>key, <u8>i, <usize>(next - key))
    if (next < KEYS) store<u8>(TABLE + <usize>next, <u8>OPEN)
    key = max(key, next + 1)
  }
}

function lookUp(x: usize, y: usize, n: i32): void {
  const scale_f32x4 = v128.load32_splat(MAP)
  const offset_f32x4 = v128.load32_splat(MAP, 4)
  while (n >= 4) {
    const key_i32x4 = keysOf(v128.load(x), scale_f32x4, offset_f32x4)
    const key01 = i64x2.extract_lane(key_i32x4, 0)
    const key23 = i64x2.extract_lane(key_i32x4, 1)
    store<u8>(y, load<u8>(<usize>key01, TABLE))
    store<u8>(y, load<u8>(<usize>(key01 >>> 32), TABLE), 1)
    store<u8>(y, load<u8>(<usize>key23, TABLE), 2)
    store<u8>(y, load<u8>(<usize>(key23 >>> 32), TABLE), 3)
    x += 16
    y += 4
    n -= 4
  }
  while (n > 0) {
    store<u8>(y, <u8>OPEN)
    y++
    n--
  }
}

function decideOpen(x: usize, y: usize, n: i32): void {
  while (n >= 16) {
    let open = i8x16.bitmask(i8x16.eq(v128.load(y), i8x16.splat(<i8>OPEN)))
    while (open) {
      const lane = <usize>ctz(open)
      store<u8>(y + lane, search(load<f32>(x + (lane << 2))))
      open &= open - 1
    }
    x += 64
    y += 16
    n -= 16
  }
  while (n > 0) {
    if (load<u8>(y) == OPEN) store<u8>(y, search(load<f32>(x)))
    x += 4
    y++
    n--
  }
}
