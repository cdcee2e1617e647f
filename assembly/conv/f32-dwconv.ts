import { storeLanes } from '../common/lanes'
import { clamp } from '../common/rounding'
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
  const isTriple = w.kernelWidth == 3 && w.strideWidth == 1 && w.dilationWidth == 1
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
          if (isTriple) f32_dwconv_4x4w3(w, first, packed, y, low_f32x4, high_f32x4)
          else
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
    acc0 = clamp(acc0, low_f32x4, high_f32x4)
    acc1 = clamp(acc1, low_f32x4, high_f32x4)
    acc2 = clamp(acc2, low_f32x4, high_f32x4)
    acc3 = clamp(acc3, low_f32x4, high_f32x4)
    storePixels(y, pixelBytes, acc0, acc1, acc2, acc3, channels)
    x += 16
    y += 16
    channels -= 4
  } while (channels > 0)
}

/**
 * The same for neighbouring windows three taps wide: six pixels of a line serve twelve products, where the general
 * kernel loads one for each. Half the loads, of which a core does fewer than multiplications.
 */
function f32_dwconv_4x4w3(
  window: Window,
  x: usize,
  w: usize,
  y: usize,
  low_f32x4: v128,
  high_f32x4: v128,
): void {
  const pixelBytes = (<usize>window.channels) << 2
  const lineBytes = <usize>(window.dilationHeight * window.width) * pixelBytes
  const lines = window.kernelHeight
  let channels = window.channels
  do {
    let acc0 = v128.load(w)
    let acc1 = acc0
    let acc2 = acc0
    let acc3 = acc0
    let line = x
    let left = lines
    do {
      const w0 = v128.load(w, 16)
      const w1 = v128.load(w, 32)
      const w2 = v128.load(w, 48)
      let tap = line
      const x0 = v128.load(tap)
      tap += pixelBytes
      const x1 = v128.load(tap)
      tap += pixelBytes
      const x2 = v128.load(tap)
      tap += pixelBytes
      const x3 = v128.load(tap)
      tap += pixelBytes
      acc0 = f32x4.add(f32x4.add(f32x4.add(acc0, f32x4.mul(x0, w0)), f32x4.mul(x1, w1)), f32x4.mul(x2, w2))
      acc1 = f32x4.add(f32x4.add(f32x4.add(acc1, f32x4.mul(x1, w0)), f32x4.mul(x2, w1)), f32x4.mul(x3, w2))
      const x4 = v128.load(tap)
      acc2 = f32x4.add(f32x4.add(f32x4.add(acc2, f32x4.mul(x2, w0)), f32x4.mul(x3, w1)), f32x4.mul(x4, w2))
      const x5 = v128.load(tap + pixelBytes)
      acc3 = f32x4.add(f32x4.add(f32x4.add(acc3, f32x4.mul(x3, w0)), f32x4.mul(x4, w1)), f32x4.mul(x5, w2))
      w += 48
      line += lineBytes
    } while (--left > 0)
    w += 16
    acc0 = clamp(acc0, low_f32x4, high_f32x4)
    acc1 = clamp(acc1, low_f32x4, high_f32x4)
    acc2 = clamp(acc2, low_f32x4, high_f32x4)
    acc3 = clamp(acc3, low_f32x4, high_f32x4)
    storePixels(y, pixelBytes, acc0, acc1, acc2, acc3, channels)
    x += 16
    y += 16
    channels -= 4
  } while (channels > 0)
}

/** The first channels, 4 at most, of four neighbouring pixels. */
function storePixels(y: usize, pixelBytes: usize, a: v128, b: v128, c: v128, d: v128, channels: i32): void {
  if (channels < 4) {
    storeLanes(y, a, channels)
    storeLanes(y + pixelBytes, b, channels)
    storeLanes(y + 2 * pixelBytes, c, channels)
    storeLanes(y + 3 * pixelBytes, d, channels)
    return
  }
  v128.store(y, a)
  v128.store(y + pixelBytes, b)
  v128.store(y + 2 * pixelBytes, c)
  v128.store(y + 3 * pixelBytes, d)
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
    acc = clamp(acc, low_f32x4, high_f32x4)
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
