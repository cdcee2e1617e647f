import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { compress, decompress, init } from '@bokuweb/zstd-wasm'
import { deflateSync, inflateSync } from 'fflate'
import type { Contender } from '../harness.js'

await init()

interface Coder {
  name: string
  encode(bytes: Uint8Array): Uint8Array
  decode(coded: Uint8Array): Uint8Array
}

const coders: Coder[] = [
  { name: 'zstd-wasm level 1', encode: (bytes) => compress(bytes, 1), decode: (coded) => decompress(coded) },
  {
    name: 'node:zlib HUFFMAN_ONLY (native)',
    encode: (bytes) => deflateRawSync(bytes, { strategy: constants.Z_HUFFMAN_ONLY }),
    decode: (coded) => inflateRawSync(coded),
  },
  {
    name: 'fflate level 1',
    encode: (bytes) => deflateSync(bytes, { level: 1 }),
    decode: (coded) => inflateSync(coded),
  },
]

function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0
}

export function encoders(bytes: Uint8Array): Contender[] {
  return coders.map(({ name, encode, decode }) => {
    let coded: Uint8Array | undefined
    return {
      name,
      target: 'simd',
      run: () => {
        coded = encode(bytes)
      },
      exact: () => coded !== undefined && sameBytes(decode(coded), bytes),
    }
  })
}

export function decoders(bytes: Uint8Array): Contender[] {
  return coders.map(({ name, encode, decode }) => {
    const coded = encode(bytes)
    let decoded: Uint8Array | undefined
    return {
      name,
      target: 'simd',
      run: () => {
        decoded = decode(coded)
      },
      exact: () => sameBytes(decoded, bytes),
    }
  })
}

/** Bytes that each coder needs. */
export function codedSizes(bytes: Uint8Array): { name: string; bytes: number }[] {
  return coders.map(({ name, encode }) => ({ name, bytes: encode(bytes).length }))
}
