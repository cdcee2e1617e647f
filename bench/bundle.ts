import { build } from 'esbuild'
import { compileProbes } from './probes.js'

/**
 * One self-contained ES module for any engine: the suite, the kernels (inlined by the package itself) and the probes,
 * compiled here because the compiler does not run everywhere.
 */
export async function bundle(entry: string): Promise<string> {
  const probes = await compileProbes()
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    legalComments: 'none',
    // package.json names the side effects of dist/, this bundles the sources.
    ignoreAnnotations: true,
    define: {
      PROBES: JSON.stringify({ plain: base64(probes.plain), relaxed: base64(probes.relaxed) }),
    },
  })
  return outputFiles[0]!.text
}
