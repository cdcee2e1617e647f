import { storeBytes, storeLanes } from '../common/lanes'
import { endTap, firstTap, Window } from '../common/window'

/** Greatest element of each window, by channel; padding does not take part. Contract: assembly/README.md#pool */
export function f32_maxpool(window: usize, x: usize, y: usize): void {
  pool(changetype<Window>(window), x, y, 2)
}

/** The same for int8. Contract: assembly/README.md#pool */
export function qs8_maxpool(window: usize, x: usize, y: usize): void {
  pool(changetype<Window>(window), x, y, 0)
}

function pool(w: Window, x: usize, y: usize, elementShift: usize): void {
  const pixelBytes = (<usize>w.channels) << elementShift
  const lineBytes = <usize>w.width * pixelBytes
  const tapBytes = <usize>w.dilationWidth * pixelBytes
  const tapLineBytes = <usize>w.dilationHeight * lineBytes
  for (let image = 0; image < w.batch; image++) {
    for (let oy = 0; oy < w.outHeight; oy++) {
      const top = oy * w.strideHeight - w.padTop
      const i0 = firstTap(top, w.dilationHeight, w.kernelHeight)
      const i1 = endTap(top, w.dilationHeight, w.kernelHeight, w.height, i0)
      const line = x + <usize>(top + i0 * w.dilationHeight) * lineBytes
      for (let ox = 0; ox < w.outWidth; ox++) {
        const left = ox * w.strideWidth - w.padLeft
        const j0 = firstTap(left, w.dilationWidth, w.kernelWidth)
        const j1 = endTap(left, w.dilationWidth, w.kernelWidth, w.width, j0)
        const from = line + <usize>(left + j0 * w.dilationWidth) * pixelBytes
        if (elementShift == 2) {
          maxOfTaps_f32(from, y, w.channels, i1 - i0, j1 - j0, tapBytes, tapLineBytes)
        } else {
          maxOfTaps_i8(from, y, w.channels, i1 - i0, j1 - j0, tapBytes, tapLineBytes)
        }
        y += pixelBytes
      }
    }
    x += <usize>w.height * lineBytes
  }
}

function maxOfTaps_f32(
  x: usize,
  y: usize,
  channels: i32,
  lines: i32,
  taps: i32,
  tapBytes: usize,
  lineBytes: usize,
): void {
  while (channels > 0) {
    let max_f32x4 = f32x4.splat(-Infinity)
    // pmax passes over NaN, but is one instruction where max is eight: NaN is remembered apart.
    let isNaN = i32x4.splat(0)
    let line = x
    for (let i = 0; i < lines; i++) {
      let tap = line
      for (let j = 0; j < taps; j++) {
        const x_f32x4 = v128.load(tap)
        max_f32x4 = f32x4.pmax(max_f32x4, x_f32x4)
        isNaN = v128.or(isNaN, f32x4.ne(x_f32x4, x_f32x4))
        tap += tapBytes
      }
      line += lineBytes
    }
    max_f32x4 = v128.or(max_f32x4, isNaN)
    if (channels < 4) {
      storeLanes(y, max_f32x4, channels)
      return
    }
    v128.store(y, max_f32x4)
    x += 16
    y += 16
    channels -= 4
  }
}

function maxOfTaps_i8(
  x: usize,
  y: usize,
  channels: i32,
  lines: i32,
  taps: i32,
  tapBytes: usize,
  lineBytes: usize,
): void {
  while (channels > 0) {
    let max_i8x16 = i8x16.splat(-128)
    let line = x
    for (let i = 0; i < lines; i++) {
      let tap = line
      for (let j = 0; j < taps; j++) {
        max_i8x16 = i8x16.max_s(max_i8x16, v128.load(tap))
        tap += tapBytes
      }
      line += lineBytes
    }
    if (channels < 16) {
      storeBytes(y, max_i8x16, channels)
      return
    }
    v128.store(y, max_i8x16)
    x += 16
    y += 16
    channels -= 16
  }
}
