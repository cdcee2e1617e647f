import type { Windows } from '../../graph/windows.js'
import type { WindowOptions } from '../../ops/window.js'

/**
 * The shape [N, H, W, C] in which image kernels see a value [N, C, ...spatial]: [N, C, L] is an image of one row. More than
 * two spatial axes are taken as one image too, which is right where no window slides over them.
 */
export function imageShape(shape: readonly number[]): readonly number[] {
  const [batch, channels, ...spatial] = shape as [number, number, ...number[]]
  const width = spatial.pop() ?? 1
  return [batch, spatial.reduce((height, size) => height * size, 1), width, channels]
}

/** Height and width from a list with a number for each of one or two spatial axes. */
export function pair(numbers: readonly number[], absent: number): [height: number, width: number] {
  return numbers.length === 1 ? [absent, numbers[0]!] : [numbers[0]!, numbers[1]!]
}

/** Windows of one or two spatial axes, as kernels slide them over images. */
export function windowOptions(windows: Windows): Required<Omit<WindowOptions, 'ceilMode'>> {
  const [top, left] = pair(windows.padsBegin, 0)
  const [bottom, right] = pair(windows.padsEnd, 0)
  return {
    kernel: pair(windows.kernel, 1),
    strides: pair(windows.strides, 1),
    dilations: pair(windows.dilations, 1),
    pads: [top, left, bottom, right],
  }
}
