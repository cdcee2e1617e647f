import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))

/** Installs the engines of package.json unless they are there; returns the folder that they are in. */
export function installEngines(): string {
  const { devDependencies } = JSON.parse(readFileSync(`${here}package.json`, 'utf8')) as {
    devDependencies: Record<string, string>
  }
  const folder = `${here}node_modules`
  if (Object.keys(devDependencies).every((name) => existsSync(`${folder}/${name}`))) return folder
  // The npm that runs this script: a dependency of as-pect brings an older one, which comes first in the path.
  const npm = process.env.npm_execpath
  const [command, args] = npm === undefined ? ['npm', []] : [process.execPath, [npm]]
  const { status } = spawnSync(command, [...args, 'ci', '--ignore-scripts'], { cwd: here, stdio: 'inherit' })
  if (status !== 0) throw new Error(`npm ci in ${here} ended with ${status}`)
  return folder
}
