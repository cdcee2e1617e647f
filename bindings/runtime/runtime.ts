import { DisposedError } from '../errors.js'
import { DEFAULT_MAX_MEMORY_BYTES, MAX_MEMORY_BYTES } from '../limits.js'
import { checkChoice, checkInteger, checkOptions } from '../validate.js'
import { Allocator } from './allocator.js'
import type { Handle } from './handle.js'
import { instantiateKernels, isBytes, type Kernels, type KernelSource } from './instantiate.js'
import { LinearMemory, PAGE_BYTES, PlainMemory, type HostMemory } from './memory.js'
import { Scratch } from './scratch.js'

/** Which implementation of the kernels runs. All of them give the same bits. */
export type TargetName = 'js' | 'simd' | 'relaxed'

export interface Target {
  readonly name: TargetName
  /** Why this target was taken, for logs and bug reports. */
  readonly reason: string
}

export interface RuntimeOptions {
  /** Ceiling of the linear memory in bytes; 1 GiB unless given. */
  maxBytes?: number
  /** Forces a target; a forced target that this host cannot run throws. Default `auto`. */
  target?: 'auto' | TargetName
  /** Bytes or compiled module of `kernels.simd.wasm`, in place of the one inside the package. */
  module?: KernelSource
  /** The same for `kernels.relaxed.wasm`. */
  relaxedModule?: KernelSource
  /** Called when a handle was garbage-collected without `dispose()`; its memory stays lost. */
  onLeak?: (message: string) => void
}

export interface RuntimeStats {
  /** Handles that were made and not disposed. */
  readonly liveHandles: number
  /** Bytes of linear memory that are allocated now, scratch included. */
  readonly bytesInUse: number
  /** The most that was ever allocated at once. */
  readonly highWater: number
  readonly target: TargetName
}

/** Where a runtime finds its wasm when the caller brings none. */
export interface KernelProvider {
  simdSource(): KernelSource
  relaxedSource(): KernelSource | undefined
}

/** Makes the kernels of the js target over a memory. */
export type JsKernels = (memory: LinearMemory) => Kernels

/**
 * Below this address nothing is ever allocated.
 *
 *     0        1 KiB                                    48 KiB         64 KiB
 *     | unused | tables at constant addresses (kernels) | static data  | regions ...
 */
export const HEAP_BASE = PAGE_BYTES

/** The parts that tests replace with guarded ones. */
export interface RuntimeParts {
  Allocator: typeof Allocator
  Scratch: typeof Scratch
}

/** Owns one linear memory, the kernels over it, and every region in it. */
export class Runtime {
  readonly target: Target
  /** @internal */
  readonly memory: LinearMemory
  /** @internal */
  readonly allocator: Allocator
  /** @internal */
  readonly scratch: Scratch
  readonly #kernels: Kernels
  readonly #leaks: FinalizationRegistry<string> | undefined
  #liveHandles = 0
  #disposed = false

  /** @internal Users call `createRuntime`. */
  constructor(
    options: RuntimeOptions,
    provider: KernelProvider | undefined,
    jsKernels: JsKernels | undefined,
    parts: RuntimeParts = { Allocator, Scratch },
  ) {
    checkOptions('options', options, ['maxBytes', 'target', 'module', 'relaxedModule', 'onLeak'])
    const { maxBytes = DEFAULT_MAX_MEMORY_BYTES, target = 'auto', onLeak } = options
    checkInteger('maxBytes', maxBytes, 2 * PAGE_BYTES, MAX_MEMORY_BYTES)
    checkChoice('target', target, ['auto', 'js', 'simd', 'relaxed'])
    const chosen = chooseTarget(target, options, provider, jsKernels !== undefined)
    this.target = chosen.target
    this.memory = new LinearMemory(chosen.host, maxBytes)
    this.#kernels = chosen.kernels ?? jsKernels!(this.memory)
    this.allocator = new parts.Allocator(this.memory, HEAP_BASE)
    this.scratch = new parts.Scratch(this.allocator)
    this.#leaks =
      onLeak && new FinalizationRegistry((what) => onLeak(`${what} was collected without dispose()`))
  }

  /** The kernels, for ops/ only. @internal */
  get kernels(): Kernels {
    if (this.#disposed) throw new DisposedError('Runtime')
    return this.#kernels
  }

  get disposed(): boolean {
    return this.#disposed
  }

  /** Allocates the region of a handle; called by its constructor. @internal */
  adopt(handle: Handle, bytes: number): number {
    if (this.#disposed) throw new DisposedError('Runtime')
    const pointer = this.allocator.allocate(bytes)
    this.#liveHandles++
    this.#leaks?.register(handle, handle.constructor.name, handle)
    return pointer
  }

  /** Frees the region of a handle; called by its `dispose()`. @internal */
  abandon(handle: Handle, pointer: number): void {
    this.#leaks?.unregister(handle)
    this.#liveHandles--
    this.allocator.release(pointer)
  }

  stats(): RuntimeStats {
    return {
      liveHandles: this.#liveHandles,
      bytesInUse: this.allocator.bytesInUse,
      highWater: this.allocator.highWater,
      target: this.target.name,
    }
  }

  /** Ends the runtime: every later use of it or of its handles throws DisposedError. */
  dispose(): void {
    this.#disposed = true
  }

  [Symbol.dispose](): void {
    this.dispose()
  }
}

interface Chosen {
  target: Target
  host: HostMemory
  kernels?: Kernels
}

function chooseTarget(
  wanted: 'auto' | TargetName,
  options: RuntimeOptions,
  provider: KernelProvider | undefined,
  hasJs: boolean,
): Chosen {
  const js = (reason: string): Chosen => {
    if (!hasJs) throw new RangeError(`target "js" (${reason}) needs the import of 'mcompress-wasm/js'`)
    return { target: { name: 'js', reason }, host: new PlainMemory(1) }
  }
  if (wanted === 'js') return js('forced')
  const source = options.module ?? provider?.simdSource()
  if (source === undefined) {
    throw new TypeError(
      '"module" is required here: this entry carries no wasm, pass bytes or a WebAssembly.Module',
    )
  }
  let host: HostMemory
  let simd: WebAssembly.Exports
  try {
    host = new WebAssembly.Memory({ initial: 1 })
    simd = instantiateKernels(source, host)
  } catch (error) {
    // A given module that does not start is the caller's mistake; the package's own may be refused by the host.
    if (wanted !== 'auto' || options.module !== undefined) throw error
    return js(`wasm SIMD is not available: ${error instanceof Error ? error.message : String(error)}`)
  }
  const plain = (reason: string): Chosen => ({
    target: { name: 'simd', reason },
    host,
    kernels: simd as unknown as Kernels,
  })
  if (wanted === 'simd') return plain('forced')
  // An overlay belongs to the module it was built with: a caller's module comes with the caller's overlay or none.
  const overlay = options.module === undefined ? provider?.relaxedSource() : options.relaxedModule
  const refusal = refuseRelaxed(overlay)
  if (refusal !== undefined) {
    if (wanted === 'relaxed') throw new RangeError(`target "relaxed" is not available: ${refusal}`)
    return plain(refusal)
  }
  const relaxed = instantiateKernels(overlay!, host)
  return {
    target: { name: 'relaxed', reason: 'the relaxed dot product is exact on this engine' },
    host,
    kernels: { ...simd, ...relaxed } as unknown as Kernels,
  }
}

/** Why the overlay cannot be used, or undefined. The known-answer test runs on a fresh, still unoptimized instance. */
function refuseRelaxed(overlay: KernelSource | undefined): string | undefined {
  if (overlay === undefined) return 'no relaxed module was given'
  if (isBytes(overlay) && !WebAssembly.validate(overlay)) return 'this engine has no relaxed SIMD'
  const probe = instantiateKernels(overlay, new WebAssembly.Memory({ initial: 1 })) as unknown as {
    relaxed_dot_is_exact(): number
  }
  return probe.relaxed_dot_is_exact() === 1
    ? undefined
    : 'the relaxed dot product of this engine is not exact over the whole range'
}
