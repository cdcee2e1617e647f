import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { compress, decompress, init } from '@bokuweb/zstd-wasm'
import { deflateSync, inflateSync } from 'fflate'
import { PEERS } from '../goals.js'
import type { Contender } from '../harness.js'

await init()

interface Coder {
  name: string
  target: string
  encode(bytes: Uint8Array): Uint8Array
  decode(coded: Uint8Array): Uint8Array
}

const coders: Coder[] = [
  {
    name: PEERS.zstd,
    target: 'wasm',
    encode: (bytes) => compress(bytes, 1),
    decode: (coded) => decompress(coded),
  },
  {
    name: 'node:zlib HUFFMAN_ONLY',
    target: 'native',
    encode: (bytes) => deflateRawSync(bytes, { strategy: constants.Z_HUFFMAN_ONLY }),
    decode: (coded) => inflateRawSync(coded),
  },
  {
    name: 'fflate level 1',
    target: 'js',
    encode: (bytes) => deflateSync(bytes, { level: 1 }),
    decode: (coded) => inflateSync(coded),
  },
]

function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0
}

/** An encoder also tells how many bytes it made. */
export interface Encoder extends Contender {
  codedBytes(): number
}

export function encoders(bytes: Uint8Array): Encoder[] {
  return coders.map(({ name, target, encode, decode }) => {
    let coded: Uint8Array | undefined
    return {
      name,
      target,
      run: () => {
        coded = encode(bytes)
      },
      exact: () => coded !== undefined && sameBytes(decode(coded), bytes),
      codedBytes: () => coded!.length,
    }
  })
}

export function decoders(bytes: Uint8Array): Contender[] {
  return coders.map(({ name, target, encode, decode }) => {
    const coded = encode(bytes)
    let decoded: Uint8Array | undefined
    return {
      name,
      target,
      run: () => {
        decoded = decode(coded)
      },
      exact: () => sameBytes(decoded, bytes),
    }
  })
}
