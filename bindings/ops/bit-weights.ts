import { checkBits, type BitTensor } from '../formats/bits.js'
import { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'

/** Planes of bits, one output a row, resident in linear memory. */
export class PackedBits extends Handle {
  readonly n: number
  readonly k: number
  readonly isTernary: boolean
  readonly planeBytes: number

  constructor(runtime: Runtime, n: number, k: number, planeBytes: number, isTernary: boolean) {
    super(runtime, isTernary ? 2 * planeBytes : planeBytes)
    this.n = n
    this.k = k
    this.isTernary = isTernary
    this.planeBytes = planeBytes
  }

  /** Address of the plane that says which elements are not 0; for ops/ only. */
  get onesPointer(): number {
    return this.pointer + this.planeBytes
  }
}

/** Copies planes of bits once for many products. */
export function packBitWeights(runtime: Runtime, b: BitTensor): PackedBits {
  const { rows, columns } = checkBits('b', b)
  const packed = new PackedBits(runtime, rows, columns, b.signs.length, b.ones !== undefined)
  const { u8 } = runtime.memory
  u8.set(b.signs, packed.pointer)
  if (b.ones !== undefined) u8.set(b.ones, packed.onesPointer)
  return packed
}
