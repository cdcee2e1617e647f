/** Copies n bytes, exactly: the last vector overlaps the one before it instead of passing the end. */
export function copyBytes(to: usize, from: usize, n: usize): void {
  if (n >= 16) {
    const lastTo = to + n - 16
    const last = v128.load(from + n - 16)
    do {
      v128.store(to, v128.load(from))
      to += 16
      from += 16
    } while (to < lastTo)
    v128.store(lastTo, last)
  } else if (n >= 8) {
    const last = load<u64>(from + n - 8)
    store<u64>(to, load<u64>(from))
    store<u64>(to + n - 8, last)
  } else if (n >= 4) {
    const last = load<u32>(from + n - 4)
    store<u32>(to, load<u32>(from))
    store<u32>(to + n - 4, last)
  } else {
    while (n > 0) {
      store<u8>(to, load<u8>(from))
      to++
      from++
      n--
    }
  }
}

/** Sets n bytes to the byte that fills `value`. */
export function fillBytes(to: usize, value: v128, n: usize): void {
  const end = to + n
  while (to + 16 <= end) {
    v128.store(to, value)
    to += 16
  }
  while (to < end) {
    v128.store8_lane(to, value, 0)
    to++
  }
}
