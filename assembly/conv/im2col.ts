import { copyBytes, fillBytes } from '../common/copy'
import { endTap, firstTap, Window } from '../common/window'
import { insideFrom, insideTo, linesInside } from './taps'

/**
 * Writes the window of each of `pixels` output pixels from `firstPixel` on as one row: taps (kh, kw) in order, of each
 * `sliceBytes` of a pixel's `pixelBytes`; taps in the padding hold the byte `fill`. Contract: assembly/README.md#conv
 */
export function x8_im2col(
  window: usize,
  x: usize,
  pixelBytes: i32,
  sliceBytes: i32,
  fill: i32,
  firstPixel: i32,
  pixels: i32,
  y: usize,
): void {
  const w = changetype<Window>(window)
  const lineBytes = <usize>(w.width * pixelBytes)
  const rowBytes = <usize>(w.kernelHeight * w.kernelWidth * sliceBytes)
  const stepBytes = <usize>(w.strideWidth * pixelBytes)
  const from = insideFrom(w)
  const to = insideTo(w, from)
  const outLine = firstPixel / w.outWidth
  let ox = firstPixel % w.outWidth
  let oy = outLine % w.outHeight
  let image = x + <usize>(outLine / w.outHeight) * <usize>w.height * lineBytes
  while (pixels > 0) {
    const top = oy * w.strideHeight - w.padTop
    const inside = linesInside(w, top)
    const end = min(ox + pixels, w.outWidth)
    pixels -= end - ox
    let first = image + <usize>top * lineBytes + <usize>((ox * w.strideWidth - w.padLeft) * pixelBytes)
    while (ox < end) {
      if (inside && ox >= from && ox < to) insidePixel(w, first, pixelBytes, sliceBytes, y)
      else edgePixel(w, first, top, ox * w.strideWidth - w.padLeft, pixelBytes, sliceBytes, fill, y)
      first += stepBytes
      y += rowBytes
      ox++
    }
    ox = 0
    if (++oy == w.outHeight) {
      oy = 0
      image += <usize>w.height * lineBytes
    }
  }
}

/** All taps inside the image, the first at x: a line is one run where neighbouring taps are neighbours in the image. */
function insidePixel(w: Window, x: usize, pixelBytes: i32, sliceBytes: i32, y: usize): void {
  const tapLineBytes = <usize>(w.dilationHeight * w.width * pixelBytes)
  const isRun = w.dilationWidth == 1 && pixelBytes == sliceBytes
  const runs = isRun ? 1 : w.kernelWidth
  const runBytes = <usize>(isRun ? w.kernelWidth * sliceBytes : sliceBytes)
  const tapBytes = <usize>(w.dilationWidth * pixelBytes)
  let lines = w.kernelHeight
  do {
    let tap = x
    let left = runs
    do {
      copyBytes(y, tap, runBytes)
      tap += tapBytes
      y += runBytes
    } while (--left > 0)
    x += tapLineBytes
  } while (--lines > 0)
}

/** Some taps in the padding. */
function edgePixel(
  w: Window,
  x: usize,
  top: i32,
  left: i32,
  pixelBytes: i32,
  sliceBytes: i32,
  fill: i32,
  y: usize,
): void {
  const slice = <usize>sliceBytes
  const tapBytes = <usize>(w.dilationWidth * pixelBytes)
  const tapLineBytes = <usize>(w.dilationHeight * w.width * pixelBytes)
  const padding = i8x16.splat(<i8>fill)
  const j0 = firstTap(left, w.dilationWidth, w.kernelWidth)
  const j1 = endTap(left, w.dilationWidth, w.kernelWidth, w.width, j0)
  for (let i = 0; i < w.kernelHeight; i++) {
    if (<u32>top < <u32>w.height) {
      let tap = x + <usize>j0 * tapBytes
      fillBytes(y, padding, <usize>j0 * slice)
      y += <usize>j0 * slice
      for (let j = j0; j < j1; j++) {
        copyBytes(y, tap, slice)
        tap += tapBytes
        y += slice
      }
      fillBytes(y, padding, <usize>(w.kernelWidth - j1) * slice)
      y += <usize>(w.kernelWidth - j1) * slice
    } else {
      fillBytes(y, padding, <usize>w.kernelWidth * slice)
      y += <usize>w.kernelWidth * slice
    }
    x += tapLineBytes
    top += w.dilationHeight
  }
}
