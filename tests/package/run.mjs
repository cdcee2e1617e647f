// Installs the packed tarball in an empty folder and uses it as the README says, on every Node version at hand:
// npm run test:package
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../..', import.meta.url))
const engines = join(root, 'tests/engines/node_modules')
const nodes = [
  process.execPath,
  ...(existsSync(engines) ? readdirSync(engines).filter((name) => name.startsWith('node')) : []).map((name) =>
    join(engines, name, 'bin/node'),
  ),
]

// The npm that runs this script: a dependency of as-pect brings an older one, which comes first in the path.
const npm = process.env.npm_execpath

const folder = mkdtempSync(join(tmpdir(), 'mcompress-package-'))
const run = (command, args) => execFileSync(command, args, { cwd: folder, encoding: 'utf8' })
try {
  const packed = JSON.parse(
    execFileSync(
      process.execPath,
      [npm, 'pack', '--json', '--ignore-scripts', '--pack-destination', folder],
      {
        cwd: root,
        encoding: 'utf8',
      },
    ),
  )
  const [{ filename, size, unpackedSize, files }] = Array.isArray(packed) ? packed : Object.values(packed)
  console.log(`${filename}: ${files.length} files, ${size} bytes, ${unpackedSize} unpacked`)
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  run(process.execPath, [npm, 'install', '--no-audit', '--no-fund', `./${filename}`])

  const examples = readmeExamples()
  cpSync(join(root, 'examples/models/lenet-5.onnx'), join(folder, 'lenet-5.onnx'))
  examples.forEach((code, i) => writeFileSync(join(folder, `example-${i}.mjs`), code))
  const [first, ...others] = nodes.map((node) =>
    examples.map((_, i) => run(node, [`example-${i}.mjs`])).join(''),
  )
  process.stdout.write(first.replace(/^(?=.)/gm, '  '))
  if (others.some((output) => output !== first)) throw new Error('the README examples print different values')
  const versions = nodes.map((node) => run(node, ['--version']).trim())
  console.log(`${examples.length} README examples printed the same on ${versions.join(', ')}`)

  run(process.execPath, ['node_modules/mcompress-wasm/dist/cli/main.js', '--help'])
  writeFileSync(
    join(folder, 'fallback.mjs'),
    `import 'mcompress-wasm/js'
     import { createRuntime } from 'mcompress-wasm'
     console.log(createRuntime({ target: 'js' }).target.name)`,
  )
  if (run(process.execPath, ['fallback.mjs']).trim() !== 'js')
    throw new Error('mcompress-wasm/js did not take')
  const { metafile } = await build({
    stdin: { contents: "export { loadModel } from 'mcompress-wasm/infer'", resolveDir: folder },
    bundle: true,
    minify: true,
    format: 'esm',
    metafile: true,
    write: false,
  })
  const foreign = Object.keys(metafile.inputs).filter((path) =>
    /dist\/(compress|train|cli|io\/onnx|io\/stack|io\/tfjs)\//.test(path),
  )
  if (foreign.length > 0) throw new Error(`./infer pulls in ${foreign.join(', ')}`)
  const dependencies = Object.keys(metafile.inputs).filter(
    (path) =>
      path.includes('node_modules/') &&
      !/node_modules\/(mcompress-wasm|@assemblyscript\/loader)\//.test(path),
  )
  if (dependencies.length > 0) throw new Error(`./infer depends on ${dependencies.join(', ')}`)
  console.log(
    `./infer bundles ${Object.keys(metafile.inputs).length} modules, no compressor, no dependency but the loader`,
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** The README's runnable blocks: those fenced as `js`. */
function readmeExamples() {
  const readme = readFileSync(join(root, 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1])
  if (blocks.length === 0) throw new Error('README.md has no runnable example')
  return blocks
}
