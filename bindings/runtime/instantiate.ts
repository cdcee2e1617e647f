import { instantiateSync } from '@assemblyscript/loader'
import type { instantiate as abi } from '#abi'
import type { HostMemory } from './memory.js'

/** The exports of `kernels.simd.wasm`, typed by the compiler; every target offers all of them. */
export type Kernels = Awaited<ReturnType<typeof abi>>

/** wasm bytes, or a module that the host compiled. */
export type KernelSource = BufferSource | WebAssembly.Module

/** Modules of another realm fail `instanceof`; bytes are what has a length. */
export function isBytes(source: KernelSource): source is BufferSource {
  return 'byteLength' in source
}

/**
 * Instantiates a kernel module over `memory`. The one place that knows the loader; its wrapped exports are not used,
 * `instance.exports` costs less a call.
 */
export function instantiateKernels(source: KernelSource, memory: HostMemory): WebAssembly.Exports {
  const imports = { env: { memory: memory as WebAssembly.Memory } }
  if (isBytes(source) || source instanceof WebAssembly.Module) {
    return instantiateSync(source, imports).instance.exports
  }
  return new WebAssembly.Instance(source, imports).exports
}
