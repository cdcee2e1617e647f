import { describeNode, intAttribute, intsAttribute, stringAttribute } from './attributes.js'
import type { GraphNode } from './model.js'

/** Where the windows of a Conv or a pool lie, one entry a spatial axis; `auto_pad` is resolved into pads. */
export interface Windows {
  readonly kernel: readonly number[]
  readonly strides: readonly number[]
  readonly dilations: readonly number[]
  readonly padsBegin: readonly number[]
  readonly padsEnd: readonly number[]
  /** Number of windows, the output's size. */
  readonly output: readonly number[]
}

/**
 * Reads the window attributes of a node for an input of this spatial size.
 *
 * @throws RangeError that names the node when they do not fit the input or each other
 * @see ONNX Conv-11, MaxPool-12, AveragePool-19
 */
export function windowsOf(
  node: GraphNode,
  spatial: readonly number[],
  kernel: readonly number[] = intsAttribute(node, 'kernel_shape'),
): Windows {
  const rank = spatial.length
  const strides = perAxis(node, 'strides', rank, 1)
  const dilations = perAxis(node, 'dilations', rank, 1)
  const pads = perAxis(node, 'pads', 2 * rank, 0)
  if (kernel.length !== rank || kernel.some((size) => size < 1)) {
    throw new RangeError(
      `${describeNode(node)}: kernel [${kernel.join(', ')}] does not fit ${rank} spatial axes`,
    )
  }
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET')
  const ceil = intAttribute(node, 'ceil_mode', 0) !== 0
  const padsBegin: number[] = []
  const padsEnd: number[] = []
  const output = spatial.map((size, axis) => {
    const stride = strides[axis]!
    const extent = (kernel[axis]! - 1) * dilations[axis]! + 1
    let begin = 0
    let end = 0
    if (autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER') {
      const total = Math.max((Math.ceil(size / stride) - 1) * stride + extent - size, 0)
      begin = autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2)
      end = total - begin
    } else if (autoPad === 'NOTSET') {
      begin = pads[axis]!
      end = pads[axis + rank]!
    } else if (autoPad !== 'VALID') {
      throw new RangeError(`${describeNode(node)}: auto_pad ${JSON.stringify(autoPad)} is not defined`)
    }
    padsBegin.push(begin)
    padsEnd.push(end)
    const room = size + begin + end - extent
    if (room < 0) {
      throw new RangeError(
        `${describeNode(node)}: a window of ${extent} does not fit ${size + begin + end} elements of axis ${axis + 2}`,
      )
    }
    if (!ceil) return Math.floor(room / stride) + 1
    const windows = Math.ceil(room / stride) + 1
    // One that would start in the padding at the end does not count.
    return (windows - 1) * stride >= size + begin ? windows - 1 : windows
  })
  return { kernel, strides, dilations, padsBegin, padsEnd, output }
}

/** A list attribute with a number of at least `least`, which is its default, for each axis. */
export function perAxis(node: GraphNode, name: string, length: number, least: number): readonly number[] {
  const values = intsAttribute(node, name, new Array<number>(length).fill(least))
  if (values.length !== length || values.some((value) => value < least || value > 2 ** 31)) {
    throw new RangeError(
      `${describeNode(node)}: "${name}" expected ${length} integers of at least ${least}, got [${values.join(', ')}]`,
    )
  }
  return values
}
