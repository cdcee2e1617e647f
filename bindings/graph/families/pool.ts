// Pools by the letter: of other element types than float32, with indices, and of Lp norms.
import { elementCount } from '../../formats/tensor.js'
import { intAttribute } from '../attributes.js'
import { stridesOf } from '../broadcast.js'
import type { Call } from '../call.js'
import { allocate, elementFrom, elementsOf } from '../evaluators.js'
import { operator, operatorTable, type Evaluator, type Rule } from '../operators.js'
import { globalPool, pool } from '../rules.js'
import { windowsOf, type Windows } from '../windows.js'

/** Calls back with the positions in the input, [N, C, ...spatial], that the window of each output element meets. */
function eachWindow(
  call: Call,
  windows: Windows,
  visit: (output: number, inputs: readonly number[]) => void,
): void {
  const [batch = 0, channels = 0, ...spatial] = call.input(0).shape
  const { kernel, strides, dilations, padsBegin, output } = windows
  const [steps, places, taps] = [stridesOf(spatial), stridesOf(output), stridesOf(kernel)]
  const [plane, pixels, size] = [elementCount(spatial), elementCount(output), elementCount(kernel)]
  for (let i = 0; i < batch * channels * pixels; i++) {
    const inputs: number[] = []
    for (let t = 0; t < size; t++) {
      let at = Math.floor(i / pixels) * plane
      const isInside = spatial.every((length, axis) => {
        const place = Math.floor(i / places[axis]!) % output[axis]!
        const tap = Math.floor(t / taps[axis]!) % kernel[axis]!
        const position = place * strides[axis]! - padsBegin[axis]! + tap * dilations[axis]!
        at += position * steps[axis]!
        return position >= 0 && position < length
      })
      if (isInside) inputs.push(at)
    }
    visit(i, inputs)
  }
}

const maxPool: Evaluator = (call, outputs) => {
  const x = elementsOf(call, 0)
  const { shape } = call.input(0)
  const spatial = shape.slice(2)
  const [values, indices] = outputs.map((output) => allocate(output))
  // With storage_order 1 indices count down the columns of the last two axes first.
  const [height = 1, width = 1] = spatial.slice(-2)
  const isColumns = intAttribute(call.node, 'storage_order', 0) !== 0 && spatial.length > 1
  const turned = (i: number) => {
    const inside = i % (height * width)
    return i - inside + (inside % width) * height + Math.floor(inside / width)
  }
  eachWindow(call, windowsOf(call.node, spatial), (output, inputs) => {
    let best = -1
    for (const at of inputs) if (best < 0 || x[at]! > x[best]! || x[at] !== x[at]) best = at
    if (best >= 0) values!.elements[output] = x[best]!
    if (indices !== undefined) {
      indices.elements[output] = elementFrom('int64', isColumns ? turned(best) : best)
    }
  })
  return indices === undefined ? [values!.tensor] : [values!.tensor, indices.tensor]
}

/** The Lp norm of each window, p 1 or 2. */
const lpPool =
  (windows: (call: Call) => Windows): Evaluator =>
  (call, [output]) => {
    const x = elementsOf(call, 0)
    const p = intAttribute(call.node, 'p', 2)
    if (p !== 1 && p !== 2) call.fail(`p ${p} is not supported`)
    const { tensor, elements } = allocate(output)
    eachWindow(call, windows(call), (to, inputs) => {
      let sum = 0
      for (const at of inputs) sum += p === 1 ? Math.abs(Number(x[at])) : Number(x[at]) * Number(x[at])
      elements[to] = p === 1 ? sum : Math.sqrt(sum)
    })
    return [tensor]
  }

const whole = (call: Call): Windows => {
  const kernel = call.input(0).shape.slice(2)
  const [ones, zeros] = [kernel.map(() => 1), kernel.map(() => 0)]
  return { kernel, strides: ones, dilations: ones, padsBegin: zeros, padsEnd: zeros, output: ones }
}

const onePool: Rule = (call) => pool(call).slice(0, 1)

export const POOLS = operatorTable(
  [
    ['GlobalLpPool', operator(1, 1, globalPool)],
    ['LpPool', operator(1, 1, onePool)],
    ['MaxPool', operator(1, 1, pool, 2)],
  ],
  {
    GlobalLpPool: lpPool(whole),
    LpPool: lpPool((call) => windowsOf(call.node, call.input(0).shape.slice(2))),
    MaxPool: maxPool,
  },
)
