import { laneMask } from '../common/lanes'
import { four, sixteen } from './chains'
import { combine, identityOf } from './combine'

/** Low memory, ours for one call: sixteen chains. */
const CHAINS: usize = 1024

/** n neighbouring elements combined: whole blocks of 16 in sixteen chains, the others four at a time in the first four. */
export function row(op: i32, x: usize, n: i32): f32 {
  const identity_f32x4 = f32x4.splat(identityOf(op))
  sixteen(op, x, 64, n >> 4, identity_f32x4, CHAINS)
  x += (<usize>(n >> 4)) << 6
  let acc = four(op, x, 16, (n >> 2) & 3, v128.load(CHAINS))
  if (n & 3) {
    const v = v128.load(x + ((<usize>((n >> 2) & 3)) << 4))
    acc = combine(op, acc, v128.bitselect(v, identity_f32x4, laneMask(n & 3)))
  }
  return merge(op, acc)
}

/** Sixteen chains as one: j and j + 8, j and j + 4, j and j + 2, j and j + 1. */
function merge(op: i32, acc0: v128): f32 {
  const acc1 = v128.load(CHAINS, 16)
  const acc2 = v128.load(CHAINS, 32)
  const acc3 = v128.load(CHAINS, 48)
  let acc = combine(op, combine(op, acc0, acc2), combine(op, acc1, acc3))
  acc = combine(op, acc, v128.shuffle<i32>(acc, acc, 2, 3, 0, 1))
  acc = combine(op, acc, v128.shuffle<i32>(acc, acc, 1, 0, 3, 2))
  return f32x4.extract_lane(acc, 0)
}
