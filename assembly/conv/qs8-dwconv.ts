import { Window } from '../common/window'
import { resultsTo, scaleResults, storeResults, TO_F32, TO_I32, TO_QS8 } from '../qs8-gemm/epilogue'
import { STRIP, STRIP_ROW_BYTES } from '../qs8-gemm/layout'
import { EDGE_TAPS, fillTaps, INSIDE_TAPS, insideFrom, insideTo, linesInside } from './taps'

/** Pixels whose accumulators the strip holds, for 8 channels. */
const RUN: i32 = 96

/** Bytes of packed weights. */
export function qs8_dwconv_packed_bytes(channels: i32, taps: i32): f64 {
  return Math.ceil(<f64>channels / 8) * (32 + Math.ceil(<f64>taps / 2) * 16)
}

/** Packs weights [channels][taps]. Contract: assembly/README.md#conv */
export function qs8_dwconv_pack(w: usize, packed: usize, channels: i32, taps: i32): void {
  let sums = packed
  packed += ((<usize>(channels + 7)) & ~7) << 2
  for (let c = 0; c < channels; c += 8) {
    for (let lane = c; lane < c + 8; lane++) {
      let sum = 0
      for (let t = 0; t < taps; t++) sum += weightOf(w, channels, taps, lane, t)
      store<i32>(sums, sum)
      sums += 4
    }
    for (let t = 0; t < taps; t += 2) {
      for (let lane = c; lane < c + 8; lane++) {
        store<i8>(packed, <i8>weightOf(w, channels, taps, lane, t))
        store<i8>(packed, <i8>weightOf(w, channels, taps, lane, t + 1), 1)
        packed += 2
      }
    }
  }
}

function weightOf(w: usize, channels: i32, taps: i32, channel: i32, tap: i32): i32 {
  return channel < channels && tap < taps ? load<i8>(w + <usize>(channel * taps + tap)) : 0
}

/** acc i32 = sum of (x - xZero) * w over the window. Contract: assembly/README.md#conv */
export function qs8_i32_dwconv(
  window: usize,
  x: usize,
  xZero: usize,
  packed: usize,
  y: usize,
  padding: usize,
): void {
  resultsTo(TO_I32, packed, xZero, 0, y, changetype<Window>(window).channels)
  convolve(changetype<Window>(window), x, packed, padding)
}

/** y f32 = clamp(xScale * wScale * acc + bias). Contract: assembly/README.md#conv */
export function qd8_f32_qc8w_dwconv(
  window: usize,
  x: usize,
  xScale: usize,
  xZero: usize,
  packed: usize,
  wScale: usize,
  bias: usize,
  y: usize,
  low: f32,
  high: f32,
  padding: usize,
): void {
  resultsTo(TO_F32, packed, xZero, 0, y, changetype<Window>(window).channels)
  scaleResults(xScale, wScale, bias, low, high, 1, 0)
  convolve(changetype<Window>(window), x, packed, padding)
}

/** The same, then quantized to int8 with yScale and yZero. Contract: assembly/README.md#conv */
export function qd8_qs8_qc8w_dwconv(
  window: usize,
  x: usize,
  xScale: usize,
  xZero: usize,
  packed: usize,
  wScale: usize,
  bias: usize,
  y: usize,
  low: f32,
  high: f32,
  yScale: f32,
  yZero: i32,
  padding: usize,
): void {
  resultsTo(TO_QS8, packed, xZero, 0, y, changetype<Window>(window).channels)
  scaleResults(xScale, wScale, bias, low, high, yScale, yZero)
  convolve(changetype<Window>(window), x, packed, padding)
}

/** Runs of pixels inside the image, 8 channels of a run at a time; pixels at the edge one by one. */
function convolve(w: Window, x: usize, packed: usize, padding: usize): void {
  const pixelBytes = <usize>w.channels
  const lineBytes = <usize>w.width * pixelBytes
  const stepBytes = <usize>w.strideWidth * pixelBytes
  const pairs = (w.kernelHeight * w.kernelWidth + 1) >> 1
  const panels = packed + (((<usize>(w.channels + 7)) & ~7) << 2)
  const from = insideFrom(w)
  const to = insideTo(w, from)
  fillTaps(INSIDE_TAPS, w, pixelBytes, 0, 0, 0, 0)
  repeatLast(INSIDE_TAPS, w)
  let pixel = 0
  for (let image = 0; image < w.batch; image++) {
    for (let oy = 0; oy < w.outHeight; oy++) {
      const top = oy * w.strideHeight - w.padTop
      const inside = linesInside(w, top)
      let first = x + <usize>top * lineBytes - <usize>w.padLeft * pixelBytes
      let ox = 0
      while (ox < w.outWidth) {
        let table = INSIDE_TAPS
        let run = 1
        if (inside && ox >= from && ox < to) {
          run = min(to - ox, RUN)
        } else {
          table = EDGE_TAPS
          fillTaps(table, w, pixelBytes, first, top, ox * w.strideWidth - w.padLeft, padding)
          repeatLast(table, w)
        }
        let panel = panels
        for (let c = 0; c < w.channels; c += 8) {
          accumulate(first + <usize>c, stepBytes, table, panel, run, pairs)
          storeResults(STRIP, pixel, c, run, min(w.channels - c, 8))
          panel += (<usize>pairs) << 4
        }
        ox += run
        pixel += run
        first += <usize>run * stepBytes
      }
    }
    x += <usize>w.height * lineBytes
  }
}

/** An odd number of taps is rounded up: the last is met once more, by a weight of zero. */
function repeatLast(table: usize, w: Window): void {
  const end = table + ((<usize>(w.kernelHeight * w.kernelWidth)) << 2)
  store<usize>(end, load<usize>(end - 4))
}

/** Accumulators STRIP [run][8 of 32] of neighbouring pixels. */
function accumulate(x: usize, stepBytes: usize, table: usize, panel: usize, run: i32, pairs: i32): void {
  let strip = STRIP
  while (run >= 2) {
    qs8_dwconv_2x8c2(x, stepBytes, table, panel, pairs, strip)
    strip += 2 * STRIP_ROW_BYTES
    x += stepBytes << 1
    run -= 2
  }
  if (run > 0) qs8_dwconv_1x8c2(x, table, panel, pairs, strip)
}

/** Two pixels, two taps a dot product. */
function qs8_dwconv_2x8c2(x: usize, stepBytes: usize, table: usize, w: usize, pairs: i32, acc: usize): void {
  let acc0x0123 = i32x4.splat(0)
  let acc0x4567 = acc0x0123
  let acc1x0123 = acc0x0123
  let acc1x4567 = acc0x0123
  do {
    const even = x + load<usize>(table)
    const odd = x + load<usize>(table, 4)
    const w0123_i16x8 = v128.load8x8_s(w)
    const w4567_i16x8 = v128.load8x8_s(w, 8)
    const even0_i16x8 = v128.load8x8_s(even)
    const odd0_i16x8 = v128.load8x8_s(odd)
    acc0x0123 = i32x4.add(acc0x0123, i32x4.dot_i16x8_s(interleaveLow(even0_i16x8, odd0_i16x8), w0123_i16x8))
    acc0x4567 = i32x4.add(acc0x4567, i32x4.dot_i16x8_s(interleaveHigh(even0_i16x8, odd0_i16x8), w4567_i16x8))
    const even1_i16x8 = v128.load8x8_s(even + stepBytes)
    const odd1_i16x8 = v128.load8x8_s(odd + stepBytes)
    acc1x0123 = i32x4.add(acc1x0123, i32x4.dot_i16x8_s(interleaveLow(even1_i16x8, odd1_i16x8), w0123_i16x8))
    acc1x4567 = i32x4.add(acc1x4567, i32x4.dot_i16x8_s(interleaveHigh(even1_i16x8, odd1_i16x8), w4567_i16x8))
    table += 8
    w += 16
  } while (--pairs > 0)
  v128.store(acc, acc0x0123)
  v128.store(acc, acc0x4567, 16)
  v128.store(acc + STRIP_ROW_BYTES, acc1x0123)
  v128.store(acc + STRIP_ROW_BYTES, acc1x4567, 16)
}

/** One pixel, anywhere. */
function qs8_dwconv_1x8c2(x: usize, table: usize, w: usize, pairs: i32, acc: usize): void {
  let acc0123 = i32x4.splat(0)
  let acc4567 = acc0123
  do {
    const even_i16x8 = v128.load8x8_s(x + load<usize>(table))
    const odd_i16x8 = v128.load8x8_s(x + load<usize>(table, 4))
    const low_i16x8 = interleaveLow(even_i16x8, odd_i16x8)
    const high_i16x8 = interleaveHigh(even_i16x8, odd_i16x8)
    acc0123 = i32x4.add(acc0123, i32x4.dot_i16x8_s(low_i16x8, v128.load8x8_s(w)))
    acc4567 = i32x4.add(acc4567, i32x4.dot_i16x8_s(high_i16x8, v128.load8x8_s(w, 8)))
    table += 8
    w += 16
  } while (--pairs > 0)
  v128.store(acc, acc0123)
  v128.store(acc, acc4567, 16)
}

function interleaveLow(a_i16x8: v128, b_i16x8: v128): v128 {
  return v128.shuffle<i16>(a_i16x8, b_i16x8, 0, 8, 1, 9, 2, 10, 3, 11)
}

function interleaveHigh(a_i16x8: v128, b_i16x8: v128): v128 {
  return v128.shuffle<i16>(a_i16x8, b_i16x8, 4, 12, 5, 13, 6, 14, 7, 15)
}
