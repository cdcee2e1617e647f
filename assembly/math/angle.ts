/** floor(2^208 / (2 pi)), least byte first. */
const TURNS = memory.data<u8>([
  0x94, 0x7f, 0x10, 0xe4, 0x10, 0x4f, 0x66, 0xa5, 0xd8, 0x36, 0x70, 0x37, 0x4d, 0x7d, 0xf4, 0xd5, 0x09, 0x7f,
  0x4a, 0x05, 0x91, 0x93, 0xdb, 0x60, 0xbe, 0x28,
])

/** 2 pi / 2^64 */
const RADIANS: f64 = 3.4061215800865545e-19

/**
 * Takes whole turns off the f64 at an address, a number of f32 precision, if it is 2^28 or more and finite: times the bits
 * of 1 / (2 pi) that decide about the fraction (Payne and Hanek, SIGNUM Newsletter 18, 1983).
 */
export function storeAngle(at: usize): void {
  const bits = load<u64>(at)
  const exponent = <i32>(bits >>> 52) - 1023
  if (exponent < 28 || exponent > 127) return
  const shift = exponent - 23
  const window = TURNS + 18 - ((<usize>shift) >> 3)
  const mantissa = (((bits >>> 29) & 0x7fffff) | 0x800000) << (shift & 7)
  const fraction = mantissa * load<u64>(window) + ((mantissa * <u64>load<u32>(window - 4)) >>> 32)
  store<f64>(at, <f64>(<i64>fraction) * RADIANS)
}
