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

/** Printable ASCII but for quotes, `$`, `\\` and the escapes `{|}~`: 86 characters that every bundler leaves alone. */
const ALPHABET = Array.from({ length: 91 }, (_, i) => String.fromCharCode(32 + i))
  .filter((character) => !`"$'\\\``.includes(character))
  .join('')

/** Bytes as text, see bindings/runtime/text.ts. */
function encodeText(bytes) {
  let text = ''
  for (const byte of bytes) {
    const value = (byte + 4) % 256
    const lengths = Math.floor(value / ALPHABET.length)
    text += (lengths > 0 ? '{|}'[lengths - 1] : '') + ALPHABET[value % ALPHABET.length]
  }
  return text
}

/** Three ways to hold the same two modules; package.json "imports" picks one by the host's condition. */
function writeKernelSources() {
  const text = (name) => encodeText(readFileSync(`build/kernels.${name}.wasm`))
  writeFileSync(
    'dist/kernels.inline.js',
    [
      "import { decodeText } from './runtime/text.js'",
      `const alphabet = '${ALPHABET}'`,
      // The overlay comes before the functions that it resembles: gzip looks back 32 KiB.
      `const relaxed = '${text('relaxed')}'`,
      `const simd = '${text('simd')}'`,
      'export const simdSource = () => decodeText(simd, alphabet)',
      'export const relaxedSource = () => decodeText(relaxed, alphabet)',
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
