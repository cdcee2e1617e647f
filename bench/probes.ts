import * as asc from 'assemblyscript/asc'

/** The modules that measure the machine's limits. */
export interface Probes {
  plain: Uint8Array<ArrayBuffer>
  relaxed: Uint8Array<ArrayBuffer>
}

async function compile(source: string, feature: string): Promise<Uint8Array<ArrayBuffer>> {
  let binary: Uint8Array<ArrayBuffer> | undefined
  const flags = ['-O3', '--noAssert', '--runtime', 'stub', '--initialMemory', '2', '--enable', feature]
  const { error, stderr } = await asc.main([`bench/probes/${source}.ts`, ...flags, '-o', 'probe.wasm'], {
    writeFile: (name: string, contents: Uint8Array | string) => {
      if (name === 'probe.wasm') binary = contents as Uint8Array<ArrayBuffer>
    },
  })
  if (error || binary === undefined) throw new Error(`probe ${source}: ${stderr.toString()}`)
  return binary
}

export async function compileProbes(): Promise<Probes> {
  return { plain: await compile('plain', 'simd'), relaxed: await compile('relaxed', 'relaxed-simd') }
}
