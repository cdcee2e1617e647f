/**
 * How a window slides over images [batch, height, width, channels]; 16 i32 that the caller writes.
 * Contract: assembly/README.md#window
 */
export class Window {
  batch: i32
  height: i32
  width: i32
  channels: i32
  outHeight: i32
  outWidth: i32
  kernelHeight: i32
  kernelWidth: i32
  strideHeight: i32
  strideWidth: i32
  dilationHeight: i32
  dilationWidth: i32
  padTop: i32
  padLeft: i32
  padBottom: i32
  padRight: i32
}

/** The first tap whose position `start + tap * dilation` is not negative; `taps` at most. */
export function firstTap(start: i32, dilation: i32, taps: i32): i32 {
  return start >= 0 ? 0 : min((dilation - 1 - start) / dilation, taps)
}

/** One past the last tap whose position is below `size`; at least `first`. */
export function endTap(start: i32, dilation: i32, taps: i32, size: i32, first: i32): i32 {
  return max(first, start >= size ? 0 : min((size - 1 - start) / dilation + 1, taps))
}
