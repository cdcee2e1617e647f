import { Window } from '../common/window'

/**
 * Low memory, ours for one call, behind what results need: where each tap lies relative to its window's first; 4095 taps
 * and one more entry.
 */
export const INSIDE_TAPS: usize = 16384
/** The same for a window that reaches into the padding. */
export const EDGE_TAPS: usize = 32768

/**
 * Fills a table for the window whose first tap has the address `base` and the image coordinates `top`, `left`: offsets
 * from `base`, which for a tap in the padding lead to `padding` instead.
 */
export function fillTaps(
  table: usize,
  w: Window,
  pixelBytes: usize,
  base: usize,
  top: i32,
  left: i32,
  padding: usize,
): void {
  const tapBytes = <usize>w.dilationWidth * pixelBytes
  const lineBytes = <usize>(w.dilationHeight * w.width) * pixelBytes
  let line: usize = 0
  for (let i = 0; i < w.kernelHeight; i++) {
    let offset = line
    let column = left
    for (let j = 0; j < w.kernelWidth; j++) {
      const inside = <u32>top < <u32>w.height && <u32>column < <u32>w.width
      store<usize>(table, inside ? offset : padding - base)
      table += 4
      offset += tapBytes
      column += w.dilationWidth
    }
    line += lineBytes
    top += w.dilationHeight
  }
}

/** The first output pixel of a line whose window lies inside the image from left to right. */
export function insideFrom(w: Window): i32 {
  return min((w.padLeft + w.strideWidth - 1) / w.strideWidth, w.outWidth)
}

/** One past the last such pixel; at least `from`. */
export function insideTo(w: Window, from: i32): i32 {
  const room = w.width + w.padLeft - (w.kernelWidth - 1) * w.dilationWidth - 1
  return room < 0 ? from : max(from, min(room / w.strideWidth + 1, w.outWidth))
}

/** Whether the windows of an output line lie inside the image from top to bottom. */
export function linesInside(w: Window, top: i32): bool {
  return top >= 0 && top + (w.kernelHeight - 1) * w.dilationHeight < w.height
}
