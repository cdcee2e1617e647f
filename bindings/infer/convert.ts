import { elementCount } from '../formats/tensor.js'
import type { ActivationRange } from '../graph/model.js'
import { dequantizeSlot, quantizeSlot, rangeOfSlot } from '../ops/quantize-slot.js'
import { planTranspose, x32Transpose, x8CopyRows } from '../ops/transpose.js'
import { physicalAxis, physicalShape, shifted, type Operand } from './plan.js'

/** The call that brings a value from one form into another, which differs in layout or in coding but not in both. */
export function convert(from: Operand, to: Operand): { kernel: string; run: () => void } {
  if (from.layout !== to.layout) {
    return from.coding === undefined
      ? { kernel: 'x32_transpose', run: turnFloats(from, to) }
      : { kernel: 'x8_copy_rows', run: turnCodes(from, to) }
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

function turnFloats(from: Operand, to: Operand): () => void {
  const { length: rank } = from.shape
  const axes = physicalShape([...from.shape.keys()], to.layout)
  const permutation = axes.map((axis) => physicalAxis(axis, rank, from.layout))
  const plan = planTranspose(physicalShape(from.shape, from.layout), permutation)
  return () => x32Transpose(plan, from, to)
}

/** Codes are turned a channel at a time: they are few, what image kernels leave before a matrix product. */
function turnCodes(from: Operand, to: Operand): () => void {
  const [batch, channels] = from.shape as [number, number]
  const pixels = elementCount(from.shape.slice(2))
  const [rows, columns] = from.layout === 'last' ? [pixels, channels] : [channels, pixels]
  return () => {
    for (let image = 0; image < batch; image++) {
      for (let column = 0; column < columns; column++) {
        const start = image * rows * columns
        const target = shifted(to, start + column * rows)
        x8CopyRows(shifted(from, start + column), columns, target, 1, rows, 1)
      }
    }
  }
}
