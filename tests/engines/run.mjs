// Runs the whole vitest suite on other Node versions: npm run test:engines
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = fileURLToPath(new URL('../..', import.meta.url))
const engines = Object.keys(JSON.parse(readFileSync(`${here}package.json`, 'utf8')).devDependencies)

if (!engines.every((engine) => existsSync(`${here}node_modules/${engine}/bin/node`))) {
  // The npm that runs this script: a dependency of as-pect brings an older one, which comes first in the path.
  run(process.execPath, [process.env.npm_execpath, 'ci'], here)
}
for (const engine of engines) {
  const node = `${here}node_modules/${engine}/bin/node`
  console.log(`\n${engine}: ${spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()}`)
  run(node, ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)], root)
}

function run(command, args, cwd) {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
