import { copyBytes } from '../common/copy'

/** Copies rows of rowBytes; those of x are xStride bytes apart, those of y yStride. Contract: assembly/README.md#transpose */
export function x8_copy_rows(x: usize, xStride: i32, y: usize, yStride: i32, rows: i32, rowBytes: i32): void {
  while (rows > 0) {
    copyBytes(y, x, <usize>rowBytes)
    x += <usize>xStride
    y += <usize>yStride
    rows--
  }
}
