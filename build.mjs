// Builds everything that is generated: the wasm modules (build/) and the package's JavaScript (dist/).
// Usage: node build.mjs [--wasm-only]
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as asc from 'assemblyscript/asc'

process.chdir(fileURLToPath(new URL('.', import.meta.url)))

async function compile(entry, target) {
  const { error, stderr } = await asc.main([entry, '--config', 'asconfig.json', '--target', target])
  if (error) {
    process.stderr.write(stderr.toString())
    process.stderr.write(`build: ${target}: ${error.message}\n`)
    process.exit(1)
  }
}

await compile('assembly/index.ts', 'simd')
await compile('assembly/relaxed.ts', 'relaxed')
await compile('assembly/index.ts', 'debug')

/** Three ways to hold the same two modules; package.json "imports" picks one by the host's condition. */
function writeKernelSources() {
  const base64 = (name) => readFileSync(`build/kernels.${name}.wasm`).toString('base64')
  writeFileSync(
    'dist/kernels.inline.js',
    [
      "import { decodeBase64 } from './runtime/base64.js'",
      `const simd = '${base64('simd')}'`,
      `const relaxed = '${base64('relaxed')}'`,
      'export const simdSource = () => decodeBase64(simd)',
      'export const relaxedSource = () => decodeBase64(relaxed)',
      '',
    ].join('\n'),
  )
  writeFileSync(
    'dist/kernels.workerd.js',
    [
      "import simd from '../build/kernels.simd.wasm'",
      "import relaxed from '../build/kernels.relaxed.wasm'",
      'export const simdSource = () => simd',
      'export const relaxedSource = () => relaxed',
      '',
    ].join('\n'),
  )
  writeFileSync(
    'dist/kernels.edge-light.js',
    [
      "import simd from '../build/kernels.simd.wasm?module'",
      'export const simdSource = () => simd',
      'export const relaxedSource = () => undefined',
      '',
    ].join('\n'),
  )
  for (const host of ['inline', 'workerd', 'edge-light']) {
    writeFileSync(
      `dist/kernels.${host}.d.ts`,
      [
        "import type { KernelSource } from './runtime/instantiate.js'",
        'export declare const simdSource: () => KernelSource',
        'export declare const relaxedSource: () => KernelSource | undefined',
        '',
      ].join('\n'),
    )
  }
}

if (!process.argv.includes('--wasm-only')) {
  rmSync('dist', { recursive: true, force: true })
  mkdirSync('dist', { recursive: true })
  writeKernelSources()
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
    stdio: 'inherit',
  })
}
