import type { ElementType } from '../../formats/tensor.js'

/** Bits of an element of each dtype of the format, also of those that have no counterpart here. */
export const DTYPE_BITS: ReadonlyMap<string, number> = new Map([
  ['BOOL', 8],
  ['U8', 8],
  ['I8', 8],
  ['F8_E5M2', 8],
  ['F8_E4M3', 8],
  ['I16', 16],
  ['U16', 16],
  ['F16', 16],
  ['BF16', 16],
  ['I32', 32],
  ['U32', 32],
  ['F32', 32],
  ['F64', 64],
  ['I64', 64],
  ['U64', 64],
])

export const DTYPE_OF: Readonly<Record<ElementType, string>> = {
  float32: 'F32',
  float64: 'F64',
  float16: 'F16',
  int8: 'I8',
  uint8: 'U8',
  int16: 'I16',
  uint16: 'U16',
  int32: 'I32',
  uint32: 'U32',
  int64: 'I64',
  uint64: 'U64',
  bool: 'BOOL',
}

export const ELEMENT_TYPE_OF: ReadonlyMap<string, ElementType> = new Map(
  (Object.keys(DTYPE_OF) as ElementType[]).map((type) => [DTYPE_OF[type], type]),
)
