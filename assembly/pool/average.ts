import { storeLanes } from '../common/lanes'
import { endTap, firstTap, Window } from '../common/window'

/**
 * Mean of each window, by channel; `countPadding` 1 divides by the padded taps too. Contract: assembly/README.md#pool
 */
export function f32_avgpool(window: usize, x: usize, y: usize, countPadding: i32): void {
  const w = changetype<Window>(window)
  const pixelBytes = (<usize>w.channels) << 2
  const lineBytes = <usize>w.width * pixelBytes
  const tapBytes = <usize>w.dilationWidth * pixelBytes
  const tapLineBytes = <usize>w.dilationHeight * lineBytes
  const countedHeight = w.height + w.padBottom
  const countedWidth = w.width + w.padRight
  for (let image = 0; image < w.batch; image++) {
    for (let oy = 0; oy < w.outHeight; oy++) {
      const top = oy * w.strideHeight - w.padTop
      const i0 = firstTap(top, w.dilationHeight, w.kernelHeight)
      const i1 = endTap(top, w.dilationHeight, w.kernelHeight, w.height, i0)
      const line = x + <usize>(top + i0 * w.dilationHeight) * lineBytes
      const lines = countPadding ? endTap(top, w.dilationHeight, w.kernelHeight, countedHeight, 0) : i1 - i0
      for (let ox = 0; ox < w.outWidth; ox++) {
        const left = ox * w.strideWidth - w.padLeft
        const j0 = firstTap(left, w.dilationWidth, w.kernelWidth)
        const j1 = endTap(left, w.dilationWidth, w.kernelWidth, w.width, j0)
        const taps = countPadding ? endTap(left, w.dilationWidth, w.kernelWidth, countedWidth, 0) : j1 - j0
        const from = line + <usize>(left + j0 * w.dilationWidth) * pixelBytes
        const count = <f32>(lines * taps)
        meanOfTaps(from, y, w.channels, i1 - i0, j1 - j0, tapBytes, tapLineBytes, f32x4.splat(count))
        y += pixelBytes
      }
    }
    x += <usize>w.height * lineBytes
  }
}

function meanOfTaps(
  x: usize,
  y: usize,
  channels: i32,
  lines: i32,
  taps: i32,
  tapBytes: usize,
  lineBytes: usize,
  count_f32x4: v128,
): void {
  while (channels > 0) {
    let sum_f32x4 = f32x4.splat(0)
    let line = x
    for (let i = 0; i < lines; i++) {
      let tap = line
      for (let j = 0; j < taps; j++) {
        sum_f32x4 = f32x4.add(sum_f32x4, v128.load(tap))
        tap += tapBytes
      }
      line += lineBytes
    }
    const mean = f32x4.div(sum_f32x4, count_f32x4)
    if (channels < 4) {
      storeLanes(y, mean, channels)
      return
    }
    v128.store(y, mean)
    x += 16
    y += 16
    channels -= 4
  }
}
