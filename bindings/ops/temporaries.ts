import type { Tensor } from '../formats/tensor.js'
import { Handle } from '../runtime/handle.js'
import type { Runtime } from '../runtime/runtime.js'
import { checkShape, checkTypedArray, describe } from '../validate.js'
import type { Slot } from './slot.js'

/** Makes slots of `length` f32 values for `body`, and frees them when it is done. */
export function withTemporaries<R>(runtime: Runtime, body: (slot: (length: number) => Slot) => R): R {
  const handles: Handle[] = []
  try {
    return body((length) => {
      const handle = new Handle(runtime, length * 4)
      handles.push(handle)
      return { handle, offset: 0 }
    })
  } finally {
    for (const handle of handles) handle.dispose()
  }
}

/** Throws unless `x` is a float32 tensor whose data fits its shape, of `rank` dimensions if given. */
export function checkTensor(name: string, x: Tensor<'float32'>, rank?: number): void {
  if (typeof x !== 'object' || x === null || x.kind !== 'dense') {
    throw new TypeError(`"${name}" expected a float32 tensor, got ${describe(x)}`)
  }
  checkTypedArray(`${name}.data`, x.data, 'Float32Array', checkShape(`${name}.shape`, x.shape))
  if (rank !== undefined && x.shape.length !== rank) {
    throw new RangeError(`"${name}" expected ${rank} dimensions, got [${x.shape.join(', ')}]`)
  }
}
