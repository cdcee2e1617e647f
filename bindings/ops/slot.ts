import { ELEMENT_ARRAYS, type ElementArrays, type ElementType } from '../formats/tensor.js'
import type { Handle } from '../runtime/handle.js'

/**
 * A place inside a handle's region where a kernel reads or writes: an activation of a plan, a resident input. Other
 * rooms pass slots around; only ops/ turns one into an address.
 */
export interface Slot {
  readonly handle: Handle
  /** Bytes from the start of the region; a multiple of 64 keeps vector loads aligned. */
  readonly offset: number
}

/** The address of a slot now. Throws DisposedError when its handle is gone. */
export function addressOf(slot: Slot): number {
  return slot.handle.pointer + slot.offset
}

/** Copies values into a slot. */
export function writeSlot(slot: Slot, data: ArrayBufferView): void {
  const { u8 } = slot.handle.runtime.memory
  u8.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), addressOf(slot))
}

/** Copies values out of a slot into `out`, whose length says how many. */
export function readSlot<T extends ArrayBufferView>(slot: Slot, out: T): T {
  const address = addressOf(slot)
  new Uint8Array(out.buffer, out.byteOffset, out.byteLength).set(
    slot.handle.runtime.memory.u8.subarray(address, address + out.byteLength),
  )
  return out
}

/** The elements that lie in a slot, not copied: right until memory is next reserved. Slots of a plan begin aligned. */
export function viewSlot<T extends ElementType>(slot: Slot, dtype: T, elements: number): ElementArrays[T] {
  const { buffer } = slot.handle.runtime.memory.u8
  return new ELEMENT_ARRAYS[dtype](buffer, addressOf(slot), elements)
}

/** Throws RangeError unless `bytes` fit between the start of the slot and the end of its region. */
export function checkSlot(name: string, slot: Slot, bytes: number): void {
  const room = slot.handle.bytes - slot.offset
  if (bytes > room) throw new RangeError(`"${name}" expected a slot of ${bytes} bytes, got ${room}`)
}

/** Sets `elements` of a slot to a float32. */
export function fillSlot(slot: Slot, elements: number, value: number): void {
  viewSlot(slot, 'float32', elements).fill(value)
}
