import type { ActivationRange } from '../graph/model.js'
import { dequantizeSlot, quantizeSlot, rangeOfSlot } from '../ops/quantize-slot.js'
import { planTranspose, x32Transpose, x8Transpose } from '../ops/transpose.js'
import { physicalAxis, physicalShape, type Operand } from './plan.js'

/** The call that brings a value from one form into another, which differs in layout or in coding but not in both. */
export function convert(from: Operand, to: Operand): { kernel: string; run: () => void } {
  if (from.layout !== to.layout) {
    return from.coding === undefined
      ? { kernel: 'x32_transpose', run: turn(from, to, x32Transpose) }
      : { kernel: 'x8_transpose', run: turn(from, to, x8Transpose) }
  }
  if (to.coding !== undefined) return { kernel: 'f32_qs8_quantize', run: quantize(from, to, to.coding) }
  const coding = from.coding!
  return {
    kernel: 'qs8_f32_dequantize',
    run: () => dequantizeSlot(from, to, from.elements, coding),
  }
}

/** Throws RangeError for NaN and infinities, which have no code. */
function quantize(from: Operand, to: Operand, coding: ActivationRange): () => void {
  return () => {
    rangeOfSlot(from, from.elements)
    quantizeSlot(from, to, from.elements, coding)
  }
}

function turn(from: Operand, to: Operand, run: typeof x32Transpose): () => void {
  const { length: rank } = from.shape
  const axes = physicalShape([...from.shape.keys()], to.layout)
  const permutation = axes.map((axis) => physicalAxis(axis, rank, from.layout))
  const plan = planTranspose(physicalShape(from.shape, from.layout), permutation)
  return () => run(plan, from, to)
}
