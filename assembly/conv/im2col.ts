import { copyBytes, fillBytes } from '../common/copy'
import { endTap, firstTap, Window } from '../common/window'

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
  const tapLineBytes = <usize>(w.kernelWidth * sliceBytes)
  const padding = i8x16.splat(<i8>fill)
  let ox = firstPixel % w.outWidth
  const outLine = firstPixel / w.outWidth
  let oy = outLine % w.outHeight
  let image = x + <usize>(outLine / w.outHeight) * <usize>w.height * lineBytes
  while (pixels > 0) {
    const left = ox * w.strideWidth - w.padLeft
    const j0 = firstTap(left, w.dilationWidth, w.kernelWidth)
    const j1 = endTap(left, w.dilationWidth, w.kernelWidth, w.width, j0)
    let line = oy * w.strideHeight - w.padTop
    for (let i = 0; i < w.kernelHeight; i++) {
      if (<u32>line < <u32>w.height) {
        const first = image + <usize>line * lineBytes + <usize>((left + j0 * w.dilationWidth) * pixelBytes)
        copyLine(w, first, pixelBytes, sliceBytes, padding, j0, j1, y)
      } else {
        fillBytes(y, padding, tapLineBytes)
      }
      y += tapLineBytes
      line += w.dilationHeight
    }
    if (++ox == w.outWidth) {
      ox = 0
      if (++oy == w.outHeight) {
        oy = 0
        image += <usize>w.height * lineBytes
      }
    }
    pixels--
  }
}

/** The taps of one line of a window, of which those from j0 to j1 lie inside the image. */
function copyLine(
  w: Window,
  x: usize,
  pixelBytes: i32,
  sliceBytes: i32,
  padding: v128,
  j0: i32,
  j1: i32,
  y: usize,
): void {
  const slice = <usize>sliceBytes
  fillBytes(y, padding, <usize>j0 * slice)
  y += <usize>j0 * slice
  if (w.dilationWidth == 1 && pixelBytes == sliceBytes) {
    // Neighbouring taps are neighbours in the image: one run.
    copyBytes(y, x, <usize>(j1 - j0) * slice)
    y += <usize>(j1 - j0) * slice
  } else {
    const tapBytes = <usize>(w.dilationWidth * pixelBytes)
    for (let j = j0; j < j1; j++) {
      copyBytes(y, x, slice)
      x += tapBytes
      y += slice
    }
  }
  fillBytes(y, padding, <usize>(w.kernelWidth - j1) * slice)
}
