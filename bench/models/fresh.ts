// Cold start and memory, each in a fresh process; bytes of what has to be shipped.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { median } from '../harness.js'
import type { Feed } from './catalog.js'

const here = dirname(fileURLToPath(import.meta.url))

export type Library = 'ours' | 'onnxruntime' | 'tfjs'

interface Fresh {
  /** CPU time from the first import to the first result. */
  readonly coldMs: number
  readonly residentBytes: number
}

const PROCESSES = 3

function once(...args: string[]): Fresh {
  const out = execFileSync(process.execPath, [join(here, 'cold.mjs'), ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return JSON.parse(out.trim().split('\n').at(-1)!) as Fresh
}

const several = (...args: string[]): Fresh => {
  const all = Array.from({ length: PROCESSES }, () => once(...args))
  return {
    coldMs: median(all.map(({ coldMs }) => coldMs)),
    residentBytes: median(all.map(({ residentBytes }) => residentBytes)),
  }
}

let empty: Fresh | undefined

/** Cold start, and the most memory that was resident beyond that of an empty process. */
export async function startFresh(
  kind: Library,
  feed: Feed,
  files: readonly Uint8Array[],
): Promise<{ coldMs: number; peakBytes: number }> {
  empty ??= several('none')
  const folder = mkdtempSync(join(tmpdir(), 'mcompress-cold-'))
  try {
    const entries = Object.entries(feed).map(([name, { dtype, shape, data }]) => {
      const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
      return [name, dtype, shape, text]
    })
    const [feedPath, ...paths] = ['feed.json', ...files.map((_, i) => `model-${i}`)].map((name) =>
      join(folder, name),
    ) as [string, ...string[]]
    writeFileSync(feedPath, JSON.stringify(entries))
    paths.forEach((path, i) => writeFileSync(path, files[i]!))
    if (kind === 'ours') {
      // One file, as a bundler makes it and as the packages of others are.
      paths.push(join(folder, 'infer.mjs'))
      writeFileSync(paths.at(-1)!, await bundled(RUNTIMES.ours[0], 'node'))
    }
    const { coldMs, residentBytes } = several(kind, feedPath, ...paths)
    return { coldMs, peakBytes: Math.max(residentBytes - empty.residentBytes, 0) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const gzipped = (bytes: Uint8Array): number => gzipSync(bytes, { level: 9 }).length

async function bundled(contents: string, platform: 'browser' | 'node'): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: here },
    bundle: true,
    minify: true,
    format: 'esm',
    platform,
    external: ['fs', 'path', 'os', 'worker_threads', 'perf_hooks', 'util', 'crypto', 'string_decoder'],
    write: false,
    logLevel: 'silent',
  })
  return outputFiles[0]!.contents
}

/** Scripts of a library as a bundler makes them, and the wasm that they fetch. */
async function measureRuntime(contents: string, wasm: readonly string[]): Promise<number> {
  const modules = wasm.map((path) => gzipped(readFileSync(join(here, 'node_modules', path))))
  return modules.reduce((a, b) => a + b, gzipped(await bundled(contents, 'browser')))
}

const TFJS = `import * as tf from '@tensorflow/tfjs-core'; import '@tensorflow/tfjs-backend-wasm'; globalThis.tf = tf;`

const RUNTIMES = {
  ours: [`export { loadModel } from '../../dist/infer/index.js'`, []],
  onnxruntime: [
    `export { InferenceSession, Tensor } from 'onnxruntime-web/wasm'`,
    ['onnxruntime-web/dist/ort-wasm-simd-threaded.wasm'],
  ],
  tfjs: [
    `${TFJS} export { loadGraphModel } from '@tensorflow/tfjs-converter'`,
    ['@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'],
  ],
  'tfjs-layers': [
    `${TFJS} export { loadLayersModel } from '@tensorflow/tfjs-layers'`,
    ['@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm'],
  ],
} as const satisfies Record<string, readonly [string, readonly string[]]>

const sizes = new Map<string, Promise<number>>()

/** Bytes of a library itself, gzip. */
export function runtimeBytes(name: keyof typeof RUNTIMES): Promise<number> {
  const [contents, wasm] = RUNTIMES[name]
  const known = sizes.get(name) ?? measureRuntime(contents, wasm)
  sizes.set(name, known)
  return known
}
