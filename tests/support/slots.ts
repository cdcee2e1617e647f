import { Handle } from '../../bindings/runtime/handle.js'
import type { Runtime } from '../../bindings/runtime/runtime.js'
import { readSlot, writeSlot, type Slot } from '../../bindings/ops/slot.js'

type Values = Float32Array | Int8Array | Int32Array

/** Runs `body` with slots that hold `inputs` and an output slot of `out.length`; returns what was written there. */
export function withSlots<T extends Values>(
  runtime: Runtime,
  inputs: readonly Values[],
  out: T,
  body: (out: Slot, ...inputs: Slot[]) => void,
  offset = 0,
): T {
  const handles: Handle[] = []
  const slot = (bytes: number): Slot => {
    const handle = new Handle(runtime, bytes + offset)
    handles.push(handle)
    return { handle, offset }
  }
  try {
    const slots = inputs.map((values) => {
      const made = slot(values.byteLength)
      writeSlot(made, values)
      return made
    })
    const target = slot(out.byteLength)
    body(target, ...slots)
    return readSlot(target, out)
  } finally {
    for (const handle of handles) handle.dispose()
  }
}
