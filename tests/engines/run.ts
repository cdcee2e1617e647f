// Runs the whole vitest suite on other Node versions: npm run test:engines
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { installEngines } from './install.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = installEngines()
for (const engine of readdirSync(folder).filter((name) => /^node\d+$/.test(name))) {
  const node = `${folder}/${engine}/bin/node`
  console.log(`\n${engine}: ${spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim()}`)
  const args = ['node_modules/vitest/vitest.mjs', 'run', ...process.argv.slice(2)]
  const { status } = spawnSync(node, args, { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
