import { storeLanes } from '../common/lanes'
import { Window } from '../common/window'
import { EDGE_TAPS, fillTaps, INSIDE_TAPS, insideFrom, insideTo, linesInside } from './taps'

/** Bytes of packed weights. */
export function f32_dwconv_packed_bytes(channels: i32, taps: i32): f64 {
  return Math.ceil(<f64>channels / 4) * (<f64>taps + 1) * 16
}

/** Packs weights [channels][taps] with the bias (0: none). Contract: assembly/README.md#conv */
export function f32_dwconv_pack(w: usize, bias: usize, packed: usize, channels: i32, taps: i32): void {
  for (let c = 0; c < channels; c += 4) {
    for (let t = -1; t < taps; t++) {
      for (let lane = c; lane < c + 4; lane++) {
        let value: f32 = 0
        if (lane < channels) {
          if (t >= 0) value = load<f32>(w + ((<usize>(lane * taps + t)) << 2))
          else if (bias != 0) value = load<f32>(bias + ((<usize>lane) << 2))
        }
        store<f32>(packed, value)
        packed += 4
      }
    }
  }
}

/**
 * Depthwise convolution: y [batch][outHeight][outWidth][channels] = clamp(bias + sum of x * w over the window).
 * `padding` is a pixel of zeros. Contract: assembly/README.md#conv
 */
export function f32_dwconv(
  window: usize,
  x: usize,
  packed: usize,
  y: usize,
  low: f32,
  high: f32,
  padding: usize,
): void {
  const w = changetype<Window>(window)
  const low_f32x4 = f32x4.splat(low)
  const high_f32x4 = f32x4.splat(high)
  const pixelBytes = (<usize>w.channels) << 2
  const lineBytes = <usize>w.width * pixelBytes
  const stepBytes = <usize>w.strideWidth * pixelBytes
  const taps = w.kernelHeight * w.kernelWidth
  const from = insideFrom(w)
  const to = insideTo(w, from)
  fillTaps(INSIDE_TAPS, w, pixelBytes, 0, 0, 0, 0)
  for (let image = 0; image < w.batch; image++) {
    for (let oy = 0; oy < w.outHeight; oy++) {
      const top = oy * w.strideHeight - w.padTop
      const inside = linesInside(w, top)
      let first = x + <usize>top * lineBytes - <usize>w.padLeft * pixelBytes
      let ox = 0
      while (ox < w.outWidth) {
        if (inside && ox >= from && ox + 4 <= to) {
          f32_dwconv_4x4(first, stepBytes, packed, y, pixelBytes, w.channels, taps, low_f32x4, high_f32x4)
          ox += 4
          first += stepBytes << 2
          y += pixelBytes << 2
          continue
        }
        let table = INSIDE_TAPS
        if (!inside || ox < from || ox >= to) {
          table = EDGE_TAPS
          fillTaps(table, w, pixelBytes, first, top, ox * w.strideWidth - w.padLeft, padding)
        }
        f32_dwconv_1x4(first, table, packed, y, w.channels, taps, low_f32x4, high_f32x4)
        ox++
        first += stepBytes
        y += pixelBytes
      }
    }
    x += <usize>w.height * lineBytes
  }
}

/** Four pixels, four channels at a time: a weight is loaded once for four windows. */
function f32_dwconv_4x4(
  x: usize,
  stepBytes: usize,
  w: usize,
  y: usize,
  pixelBytes: usize,
  channels: i32,
  taps: i32,
  low_f32x4: v128,
  high_f32x4: v128,
): void {
  do {
    let acc0 = v128.load(w)
    let acc1 = acc0
    let acc2 = acc0
    let acc3 = acc0
    let table = INSIDE_TAPS
    let left = taps
    do {
      w += 16
      const w_f32x4 = v128.load(w)
      let tap = x + load<usize>(table)
      acc0 = f32x4.add(acc0, f32x4.mul(v128.load(tap), w_f32x4))
      tap += stepBytes
      acc1 = f32x4.add(acc1, f32x4.mul(v128.load(tap), w_f32x4))
      tap += stepBytes
      acc2 = f32x4.add(acc2, f32x4.mul(v128.load(tap), w_f32x4))
      tap += stepBytes
      acc3 = f32x4.add(acc3, f32x4.mul(v128.load(tap), w_f32x4))
      table += 4
    } while (--left > 0)
    w += 16
    acc0 = f32x4.min(f32x4.max(acc0, low_f32x4), high_f32x4)
    acc1 = f32x4.min(f32x4.max(acc1, low_f32x4), high_f32x4)
    acc2 = f32x4.min(f32x4.max(acc2, low_f32x4), high_f32x4)
    acc3 = f32x4.min(f32x4.max(acc3, low_f32x4), high_f32x4)
    let to = y
    if (channels < 4) {
      storeLanes(to, acc0, channels)
      to += pixelBytes
      storeLanes(to, acc1, channels)
      to += pixelBytes
      storeLanes(to, acc2, channels)
      to += pixelBytes
      storeLanes(to, acc3, channels)
      return
    }
    v128.store(to, acc0)
    to += pixelBytes
    v128.store(to, acc1)
    to += pixelBytes
    v128.store(to, acc2)
    to += pixelBytes
    v128.store(to, acc3)
    x += 16
    y += 16
    channels -= 4
  } while (channels > 0)
}

/** One pixel, anywhere. */
function f32_dwconv_1x4(
  x: usize,
  tapTable: usize,
  w: usize,
  y: usize,
  channels: i32,
  taps: i32,
  low_f32x4: v128,
  high_f32x4: v128,
): void {
  do {
    let acc = v128.load(w)
    let table = tapTable
    let left = taps
    do {
      w += 16
      acc = f32x4.add(acc, f32x4.mul(v128.load(x + load<usize>(table)), v128.load(w)))
      table += 4
    } while (--left > 0)
    w += 16
    acc = f32x4.min(f32x4.max(acc, low_f32x4), high_f32x4)
    if (channels < 4) {
      storeLanes(y, acc, channels)
      return
    }
    v128.store(y, acc)
    x += 16
    y += 16
    channels -= 4
  } while (channels > 0)
}
