import { Runtime, type JsKernels, type KernelProvider, type RuntimeOptions } from './runtime.js'

let provider: KernelProvider | undefined
let jsKernels: JsKernels | undefined
let shared: Runtime | undefined

/** Tells where the wasm comes from; called once by the entries that carry it. */
export function provideKernels(embedded: KernelProvider): void {
  provider = embedded
}

/** Tells how the kernels of the js target are made; called by `mcompress-wasm/js`. */
export function provideJsKernels(make: JsKernels): void {
  jsKernels = make
}

/**
 * Makes a runtime of one's own: its own memory limit, a forced target, or a module that the host compiled.
 *
 * @throws TypeError, RangeError for options that are unknown or out of range, or a forced target this host lacks.
 */
export function createRuntime(options: RuntimeOptions = {}): Runtime {
  return new Runtime(options, provider, jsKernels)
}

/** The runtime that top-level functions share; made at the first use, synchronously. */
export function defaultRuntime(): Runtime {
  return (shared ??= createRuntime())
}

/** Replaces the runtime that top-level functions share; needed once where `mcompress-wasm/slim` is used. */
export function setDefaultRuntime(runtime: Runtime): void {
  shared = runtime
}
