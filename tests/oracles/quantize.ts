/** ONNX QuantizeLinear on one element, in f64 with the quotient rounded to f32 as the specification's f32 division is. */
export function quantizeOne(x: number, scale: number, zeroPoint: number, qmin: number): number {
  const quotient = Math.fround(x / scale)
  const floor = Math.floor(quotient)
  const fraction = quotient - floor
  const rounded = fraction < 0.5 ? floor : fraction > 0.5 ? floor + 1 : floor % 2 === 0 ? floor : floor + 1
  return Math.min(Math.max(rounded + zeroPoint, qmin), 127)
}

/** Index of the channel of element `i` of a tensor seen as [outer, channels, inner]. */
export function channelOf(i: number, channels: number, inner: number): number {
  return Math.floor(i / inner) % channels
}
