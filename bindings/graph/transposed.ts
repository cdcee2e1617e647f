import { attribute, describeNode, intAttribute, intsAttribute, stringAttribute } from './attributes.js'
import { show } from './call.js'
import type { GraphNode } from './model.js'
import type { Rule } from './operators.js'
import { perAxis } from './windows.js'

/** How the windows of a ConvTranspose lie, one entry a spatial axis. */
export interface TransposedWindows {
  /** Elements of the full result that are left out before the first one. */
  readonly padsBegin: readonly number[]
  readonly output: readonly number[]
}

/**
 * Reads the window attributes of a ConvTranspose for an input of this spatial size.
 *
 * @throws RangeError that names the node when they do not fit the input or each other
 * @see ONNX ConvTranspose (opset 11)
 */
export function transposedWindows(
  node: GraphNode,
  spatial: readonly number[],
  kernel: readonly number[],
): TransposedWindows {
  const rank = spatial.length
  const strides = perAxis(node, 'strides', rank, 1)
  const dilations = perAxis(node, 'dilations', rank, 1)
  const pads = perAxis(node, 'pads', 2 * rank, 0)
  const extra = perAxis(node, 'output_padding', rank, 0)
  const autoPad = stringAttribute(node, 'auto_pad', 'NOTSET')
  if (!['NOTSET', 'VALID', 'SAME_UPPER', 'SAME_LOWER'].includes(autoPad)) {
    throw new RangeError(`${describeNode(node)}: auto_pad ${JSON.stringify(autoPad)} is not defined`)
  }
  const isSame = autoPad.startsWith('SAME')
  const asked =
    attribute(node, 'output_shape') === undefined ? undefined : intsAttribute(node, 'output_shape')
  const padsBegin: number[] = []
  const output = spatial.map((size, axis) => {
    const full = strides[axis]! * (size - 1) + extra[axis]! + (kernel[axis]! - 1) * dilations[axis]! + 1
    const wanted = asked?.at(axis - rank) ?? (isSame ? size * strides[axis]! : undefined)
    if (wanted === undefined) {
      const [begin, end] = autoPad === 'VALID' ? [0, 0] : [pads[axis]!, pads[axis + rank]!]
      padsBegin.push(begin)
      return full - begin - end
    }
    const total = Math.max(full - wanted, 0)
    padsBegin.push(autoPad === 'SAME_UPPER' ? Math.floor(total / 2) : Math.ceil(total / 2))
    return wanted
  })
  // One with batch and channels in front is as good.
  if (output.some((size) => size < 0) || (asked !== undefined && asked.length < rank)) {
    throw new RangeError(`${describeNode(node)}: a result of ${show(asked ?? output)} has no size`)
  }
  return { padsBegin, output }
}

export const convTranspose: Rule = (call) => {
  const { node } = call
  const [x, w] = [call.input(0), call.input(1)]
  const group = intAttribute(node, 'group', 1)
  const [channels, groupFilters, ...kernel] = w.shape
  if (
    x.shape.length < 3 ||
    w.shape.length !== x.shape.length ||
    group < 1 ||
    x.shape[1] !== channels ||
    channels! % group !== 0
  ) {
    call.fail(`input ${show(x.shape)} does not fit weight ${show(w.shape)} in ${group} groups`)
  }
  if (show(intsAttribute(node, 'kernel_shape', kernel)) !== show(kernel)) {
    call.fail(`kernel_shape does not fit weight ${show(w.shape)}`)
  }
  const filters = groupFilters! * group
  const bias = call.optional(2)
  if (bias !== undefined) call.expectShape('bias', bias, [filters])
  const { output } = transposedWindows(node, x.shape.slice(2), kernel)
  return [{ dtype: call.sameType(x, w), shape: [x.shape[0]!, filters, ...output] }]
}
