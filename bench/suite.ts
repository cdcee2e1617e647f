import { createRuntime } from '../bindings/index.js'
import '../bindings/js.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { measure } from './harness.js'
import { limitsOf, measurePeaks, type Peaks } from './peak.js'
import type { Probes } from './probes.js'
import type { Row } from './rows.js'
import { suites } from './suites.js'

export interface SuiteOptions {
  probes: Probes
  /** Only cases whose kernel and shape contain this text. */
  filter?: string
  /** `all`, or one target. */
  target?: string
  /** A line about the machine or a target that is missing. */
  onNote(note: string): void
  onRow(row: Row): void | Promise<void>
}

const TARGETS = ['js', 'simd', 'relaxed'] as const

function makeRuntimes(wanted: string, onNote: (note: string) => void): Map<string, Runtime> {
  const runtimes = new Map<string, Runtime>()
  for (const target of TARGETS) {
    if (wanted !== 'all' && wanted !== target) continue
    try {
      runtimes.set(target, createRuntime({ target }))
    } catch (error) {
      onNote(`${target}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  return runtimes
}

function describePeaks({ int8, relaxed, f32, copy }: Peaks): string {
  const dot = relaxed === undefined ? 'none' : `${relaxed.toFixed(0)} GOP/s`
  return `peak of this machine: int8 ${int8.toFixed(0)} GOP/s, relaxed ${dot}, f32 ${f32.toFixed(0)} GFLOP/s, copy ${copy.toFixed(0)} GB/s`
}

/** Checks and measures the cases on every target that this host has. Runs in any engine. */
export async function runSuite({
  probes,
  filter = '',
  target = 'all',
  onNote,
  onRow,
}: SuiteOptions): Promise<Row[]> {
  if (target !== 'all' && !TARGETS.some((name) => name === target)) {
    throw new RangeError(`"target" expected all, ${TARGETS.join(', ')}, got ${target}`)
  }
  const runtimes = makeRuntimes(target, onNote)
  const limits = limitsOf(probes)
  onNote(describePeaks(await measurePeaks(limits)))
  const rows: Row[] = []
  for (const benchCase of suites) {
    if (!`${benchCase.kernel} ${benchCase.shape}`.includes(filter)) continue
    for (const row of await measure(benchCase, runtimes, limits)) {
      rows.push(row)
      await onRow(row)
    }
  }
  return rows
}
