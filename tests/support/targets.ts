import { readFileSync } from 'node:fs'
import { afterAll, beforeEach, describe, expect } from 'vitest'
import * as embedded from '#kernels'
import { createJsKernels } from '../../bindings/kernels/index.js'
import { Runtime, type RuntimeOptions } from '../../bindings/runtime/runtime.js'
import { GuardedAllocator, GuardedScratch } from './guards.js'

/** Behind the tables: asconfig.json "memoryBase". */
const STATIC_BASE = 48 * 1024

const guards = { Allocator: GuardedAllocator, Scratch: GuardedScratch }

function make(options: RuntimeOptions): Runtime {
  return new Runtime(options, embedded, createJsKernels, guards)
}

function hasRelaxed(): boolean {
  return make({}).target.name === 'relaxed'
}

/**
 * Every implementation of the kernels that this engine can run, each over guarded memory. `debug` is the simd module
 * built with asserts.
 */
export const targets: readonly { name: string; make: () => Runtime }[] = [
  { name: 'js', make: () => make({ target: 'js' }) },
  { name: 'simd', make: () => make({ target: 'simd' }) },
  { name: 'debug', make: () => make({ target: 'simd', module: readFileSync('build/kernels.debug.wasm') }) },
  ...(hasRelaxed() ? [{ name: 'relaxed', make: () => make({ target: 'relaxed' }) }] : []),
]

/** Runs a suite once for each target; at its end no handle may be live, no canary dead, and low memory untouched. */
export function describeTargets(title: string, suite: (runtime: Runtime) => void): void {
  describe.each(targets)(`${title} [$name]`, ({ make }) => {
    const runtime = make()
    // Tables at constant addresses hold nothing between calls. As an address this traps, as f32 it is 3.4e38.
    beforeEach(() => {
      runtime.memory.u8.fill(0x7f, 1024, STATIC_BASE)
    })
    afterAll(() => {
      ;(runtime.allocator as GuardedAllocator).verify()
      expect(runtime.stats().liveHandles).toBe(0)
      expect(runtime.memory.u8.subarray(0, 1024).every((byte) => byte === 0)).toBe(true)
    })
    suite(runtime)
  })
}
