import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as embedded from '#kernels'
import { createJsKernels } from '../bindings/kernels/index.js'
import { CapacityError, DisposedError } from '../bindings/errors.js'
import { Allocator, ALIGNMENT, READABLE_SLACK } from '../bindings/runtime/allocator.js'
import {
  createRuntime,
  defaultRuntime,
  provideKernels,
  setDefaultRuntime,
} from '../bindings/runtime/default.js'
import { Handle } from '../bindings/runtime/handle.js'
import { LinearMemory, PAGE_BYTES, PlainMemory, type HostMemory } from '../bindings/runtime/memory.js'
import { HEAP_BASE, Runtime } from '../bindings/runtime/runtime.js'
import { Scratch } from '../bindings/runtime/scratch.js'
import '../bindings/js.js'
import { decodeText } from '../bindings/runtime/text.js'
import { Random } from './support/random.js'

/** A memory that only counts: lets the allocator be driven to 4 GiB. */
class CountingMemory implements HostMemory {
  buffer = { byteLength: PAGE_BYTES } as ArrayBuffer
  refuseBeyond = Infinity

  grow(pages: number): void {
    const bytes = this.buffer.byteLength + pages * PAGE_BYTES
    if (bytes > this.refuseBeyond) throw new RangeError('cannot grow')
    this.buffer = { byteLength: bytes } as ArrayBuffer
  }
}

function countingAllocator(maxBytes: number): { host: CountingMemory; allocator: Allocator } {
  const host = new CountingMemory()
  // The views of a counting memory are never read.
  const memory = Object.create(LinearMemory.prototype, {
    host: { value: host },
    maxBytes: { value: maxBytes },
  }) as LinearMemory
  return { host, allocator: new Allocator(memory, HEAP_BASE) }
}

describe('Allocator', () => {
  it('keeps regions aligned, apart, and followed by readable slack under random use', () => {
    const { host, allocator } = countingAllocator(2 ** 30)
    const random = new Random(1)
    const live: { pointer: number; bytes: number }[] = []
    for (let step = 0; step < 5000; step++) {
      if (live.length > 0 && random.next() < 0.48) {
        allocator.release(live.splice(random.integer(0, live.length - 1), 1)[0]!.pointer)
      } else {
        const bytes = random.integer(0, 5000)
        live.push({ pointer: allocator.allocate(bytes), bytes })
      }
    }
    live.sort((a, b) => a.pointer - b.pointer)
    live.forEach(({ pointer, bytes }, i) => {
      expect(pointer % ALIGNMENT).toBe(0)
      expect(pointer).toBeGreaterThanOrEqual(HEAP_BASE)
      const next = live[i + 1]?.pointer ?? host.buffer.byteLength
      expect(pointer + bytes + READABLE_SLACK).toBeLessThanOrEqual(next)
    })
    expect(allocator.liveRegions).toBe(live.length)
    for (const { pointer } of live) allocator.release(pointer)
    expect(allocator.bytesInUse).toBe(0)
    const before = host.buffer.byteLength
    expect(allocator.allocate(before / 2)).toBe(HEAP_BASE)
    expect(host.buffer.byteLength).toBe(before)
  })

  it('reaches 4 GiB less a page, and not a byte more', () => {
    const { host, allocator } = countingAllocator(65535 * PAGE_BYTES)
    const gibibyte = 2 ** 30
    for (let i = 0; i < 3; i++) allocator.allocate(gibibyte)
    const inUse = allocator.bytesInUse
    expect(() => allocator.allocate(gibibyte)).toThrow(CapacityError)
    expect(allocator.bytesInUse).toBe(inUse)
    const rest = 65535 * PAGE_BYTES - HEAP_BASE - inUse - READABLE_SLACK
    expect(() => allocator.allocate(rest + 1)).toThrow(CapacityError)
    allocator.allocate(rest)
    expect(host.buffer.byteLength).toBe(65535 * PAGE_BYTES)
  })

  it('turns a refused growth into CapacityError and stays usable', () => {
    const { host, allocator } = countingAllocator(2 ** 30)
    host.refuseBeyond = 4 * PAGE_BYTES
    expect(() => allocator.allocate(4 * PAGE_BYTES)).toThrow(CapacityError)
    const pointer = allocator.allocate(3 * PAGE_BYTES - READABLE_SLACK)
    expect(pointer).toBe(HEAP_BASE)
    expect(host.buffer.byteLength).toBe(4 * PAGE_BYTES)
  })

  it('refuses to release what is not live', () => {
    const { allocator } = countingAllocator(2 ** 30)
    const pointer = allocator.allocate(10)
    allocator.release(pointer)
    expect(() => allocator.release(pointer)).toThrow('not allocated')
  })
})

describe('Scratch', () => {
  const make = (): { allocator: Allocator; scratch: Scratch } => {
    const memory = new LinearMemory(new PlainMemory(1), 2 ** 26)
    const allocator = new Allocator(memory, HEAP_BASE)
    return { allocator, scratch: new Scratch(allocator) }
  }

  it('nests, spills into further chunks and settles into one', () => {
    const { allocator, scratch } = make()
    for (let call = 0; call < 3; call++) {
      const outer = scratch.mark()
      const a = scratch.take(1000)
      const inner = scratch.mark()
      const b = scratch.take(200_000)
      expect(b).not.toBe(a)
      scratch.release(inner)
      const c = scratch.take(200_000)
      expect(c).toBe(b)
      scratch.release(outer)
    }
    expect(allocator.liveRegions).toBe(1)
    const inUse = allocator.bytesInUse
    scratch.take(200_000)
    expect(allocator.bytesInUse).toBe(inUse)
  })

  it('is unchanged when a take does not fit', () => {
    const { scratch } = make()
    const mark = scratch.mark()
    expect(() => scratch.take(2 ** 27)).toThrow(CapacityError)
    scratch.release(mark)
    expect(scratch.take(8)).toBe(HEAP_BASE)
  })

  it('asks for less when the merged size does not fit any more', () => {
    const { allocator, scratch } = make()
    const limit = 2 ** 26
    scratch.take(limit / 4)
    scratch.take(limit / 2)
    scratch.release(0)
    allocator.allocate(limit / 2)
    expect(() => scratch.take(limit / 4)).not.toThrow()
  })
})

describe('LinearMemory', () => {
  it.each([
    ['plain', () => new PlainMemory(1)],
    ['wasm', () => new WebAssembly.Memory({ initial: 1 })],
  ])('%s: keeps contents and renews views when it grows', (_, makeHost) => {
    const memory = new LinearMemory(makeHost(), 2 ** 24)
    const stale = memory.f32
    memory.f32[100] = 1.5
    memory.ensure(10 * PAGE_BYTES)
    expect(memory.bytes).toBeGreaterThanOrEqual(10 * PAGE_BYTES)
    expect(memory.f32 === stale).toBe(false)
    expect(memory.f32[100]).toBe(1.5)
    for (const view of [memory.u8, memory.i8, memory.u16, memory.i32, memory.u32, memory.f32]) {
      expect(view.byteLength).toBe(memory.bytes)
    }
  })
})

describe('Runtime', () => {
  provideKernels(embedded)

  it('asks for the js kernels where they are needed and were not imported', () => {
    const refusing = { simdSource: () => Uint8Array.of(0, 97, 115, 109), relaxedSource: () => undefined }
    for (const options of [{}, { target: 'js' }] as const) {
      expect(() => new Runtime(options, refusing, undefined)).toThrow("import of 'mcompress-wasm/js'")
    }
  })

  it('says which target it took and why', () => {
    const { name, reason } = createRuntime().target
    expect(['simd', 'relaxed']).toContain(name)
    expect(reason).not.toBe('')
    expect(createRuntime({ target: 'js' }).target).toEqual({ name: 'js', reason: 'forced' })
  })

  it('takes a module that the caller compiled', () => {
    const module = new WebAssembly.Module(readFileSync('build/kernels.simd.wasm'))
    const runtime = createRuntime({ module })
    expect(runtime.target.name).toBe('simd')
    expect(() => new Runtime({}, undefined, undefined)).toThrow('"module" is required')
  })

  it('falls back to js, with the reason, when the host refuses wasm', () => {
    const refusing = { simdSource: () => Uint8Array.of(0, 97, 115, 109), relaxedSource: () => undefined }
    const runtime = new Runtime({}, refusing, createJsKernels)
    expect(runtime.target.name).toBe('js')
    expect(runtime.target.reason).toContain('wasm SIMD is not available')
    expect(() => new Runtime({ target: 'simd' }, refusing, createJsKernels)).toThrow(WebAssembly.CompileError)
  })

  it('refuses an overlay whose dot product is not exact', () => {
    const inexact = {
      simdSource: embedded.simdSource,
      // A module with the probe's name that answers 0: (func (param i32) (result i32) i32.const 0).
      relaxedSource: () => probeAnswering(0),
    }
    const runtime = new Runtime({}, inexact, undefined)
    expect(runtime.target).toMatchObject({
      name: 'simd',
      reason: expect.stringContaining('not exact') as string,
    })
    expect(() => new Runtime({ target: 'relaxed' }, inexact, undefined)).toThrow(RangeError)
  })

  it('checks its options', () => {
    const untyped = createRuntime as (options: unknown) => unknown
    expect(() => untyped({ maxByte: 1 })).toThrow('"options" has no option "maxByte"')
    expect(() => untyped({ maxBytes: 1.5 })).toThrow(RangeError)
    expect(() => untyped({ maxBytes: '1' })).toThrow(TypeError)
    expect(() => untyped({ target: 'gpu' })).toThrow('"target" expected one of auto, js, simd, relaxed')
    expect(() => untyped(null)).toThrow(TypeError)
  })

  it('shares one default runtime until another is set', () => {
    const first = defaultRuntime()
    expect(defaultRuntime()).toBe(first)
    const own = createRuntime({ target: 'js' })
    setDefaultRuntime(own)
    expect(defaultRuntime()).toBe(own)
    setDefaultRuntime(first)
  })
})

describe('Handle', () => {
  it('is counted, freed once, and unusable afterwards', () => {
    const runtime = createRuntime({ target: 'js' })
    const handle = new Handle(runtime, 100)
    expect(runtime.stats()).toMatchObject({ liveHandles: 1, bytesInUse: 128, target: 'js' })
    handle.dispose()
    handle.dispose()
    expect(runtime.stats()).toMatchObject({ liveHandles: 0, bytesInUse: 0, highWater: 128 })
    expect(() => handle.pointer).toThrow(DisposedError)
  })

  it('ends with its runtime and with a using block', () => {
    const runtime = createRuntime({ target: 'js' })
    {
      using scoped = new Handle(runtime, 8)
      expect(scoped.disposed).toBe(false)
    }
    expect(runtime.stats().liveHandles).toBe(0)
    const survivor = new Handle(runtime, 8)
    runtime.dispose()
    expect(() => survivor.pointer).toThrow(DisposedError)
    expect(() => new Handle(runtime, 8)).toThrow(DisposedError)
    expect(() => runtime.kernels).toThrow(DisposedError)
  })

  it('counts nothing when its region cannot be allocated', () => {
    const runtime = createRuntime({ target: 'js', maxBytes: 2 * PAGE_BYTES })
    expect(() => new Handle(runtime, 3 * PAGE_BYTES)).toThrow(CapacityError)
    expect(runtime.stats().liveHandles).toBe(0)
  })
})

describe('the embedded modules', () => {
  it('are the files, byte for byte', () => {
    expect(Buffer.from(embedded.simdSource() as Uint8Array)).toEqual(readFileSync('build/kernels.simd.wasm'))
    expect(Buffer.from(embedded.relaxedSource() as Uint8Array)).toEqual(
      readFileSync('build/kernels.relaxed.wasm'),
    )
  })

  it('decodes every byte value', () => {
    // An alphabet of 86: value v + 4 is once, twice or three times 86 (`{`, `|`, `}`) and a character.
    const alphabet = Array.from({ length: 86 }, (_, i) => String.fromCharCode(32 + i)).join('')
    const text = Array.from({ length: 256 }, (_, byte) => {
      const value = (byte + 4) % 256
      return ['', '{', '|', '}'][Math.floor(value / 86)]! + alphabet[value % 86]!
    }).join('')
    expect([...decodeText(text, alphabet)]).toEqual(Array.from({ length: 256 }, (_, i) => i))
  })
})

/** The smallest overlay: imports nothing it uses, exports `relaxed_dot_is_exact` with a constant answer. */
function probeAnswering(answer: number): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode('relaxed_dot_is_exact')
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f], // type: (i32) -> i32
    ...[3, 2, 1, 0], // one function of that type
    ...[7, name.length + 4, 1, name.length, ...name, 0, 0], // its export
    ...[10, 6, 1, 4, 0, 0x41, answer, 0x0b], // its body
  ])
}
