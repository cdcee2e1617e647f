import { BYTES_PER_ELEMENT } from '../formats/tensor.js'
import type { ActivationRange } from '../graph/model.js'
import { dequantizeSlot, quantizeSlot, rangeOfSlot } from '../ops/quantize-slot.js'
import { elementTranspose } from '../ops/transpose.js'
import { physicalAxis, physicalShape, type Operand } from './plan.js'

/** The call that brings a value from one form into another, which differs in layout or in coding but not in both. */
export function convert(from: Operand, to: Operand): { kernel: string; run: () => void } {
  if (from.layout !== to.layout) {
    const { length: rank } = from.shape
    const axes = physicalShape([...from.shape.keys()], to.layout)
    const permutation = axes.map((axis) => physicalAxis(axis, rank, from.layout))
    const bytes = from.coding === undefined ? BYTES_PER_ELEMENT[from.dtype] : 1
    const turn = elementTranspose(physicalShape(from.shape, from.layout), permutation, bytes)
    return { kernel: turn.kernel, run: () => turn.run(turn.plan, from, to) }
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
