import { MAX_BITS, OUTS, POSITIONS, RUN_OF } from './layout'
import { windowAt } from './window'

const MASK: u32 = (1 << MAX_BITS) - 1

/** Symbols of a stream in a round, at most: four look-ups of six. */
export const ROUND_RUNS: u32 = 24

/**
 * Decodes rounds of four look-ups of each stream; a look-up gives up to six symbols. Positions are in POSITIONS, where
 * streams write in OUTS. 8 bytes are stored at a time, so up to 7 bytes after the symbols are clobbered.
 *
 * Written out because it has two results a stream: loops over streams or look-ups, and functions that pack both
 * results, lose 10 to 30 %. Pairs of streams are enough to overlap what waits within one.
 */
export function decodeRuns(rounds: i32): void {
  let p0 = load<u64>(0, POSITIONS)
  let p1 = load<u64>(8, POSITIONS)
  let p2 = load<u64>(16, POSITIONS)
  let p3 = load<u64>(24, POSITIONS)
  let p4 = load<u64>(32, POSITIONS)
  let p5 = load<u64>(40, POSITIONS)
  let p6 = load<u64>(48, POSITIONS)
  let p7 = load<u64>(56, POSITIONS)
  let o0 = <usize>load<u32>(0, OUTS)
  let o1 = <usize>load<u32>(4, OUTS)
  let o2 = <usize>load<u32>(8, OUTS)
  let o3 = <usize>load<u32>(12, OUTS)
  let o4 = <usize>load<u32>(16, OUTS)
  let o5 = <usize>load<u32>(20, OUTS)
  let o6 = <usize>load<u32>(24, OUTS)
  let o7 = <usize>load<u32>(28, OUTS)
  let w: u64
  let v: u64
  let a: u64
  let b: u64
  do {
    w = windowAt(p0)
    v = windowAt(p1)
    a = runOf(w)
    store<u64>(o0, a)
    w >>= a >> 48
    o0 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o1, b)
    v >>= b >> 48
    o1 += <usize>(b >> 56)
    a = runOf(w)
    store<u64>(o0, a)
    w >>= a >> 48
    o0 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o1, b)
    v >>= b >> 48
    o1 += <usize>(b >> 56)
    a = runOf(w)
    store<u64>(o0, a)
    w >>= a >> 48
    o0 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o1, b)
    v >>= b >> 48
    o1 += <usize>(b >> 56)
    a = runOf(w)
    store<u64>(o0, a)
    w >>= a >> 48
    o0 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o1, b)
    v >>= b >> 48
    o1 += <usize>(b >> 56)
    p0 += clz(w)
    p1 += clz(v)
    w = windowAt(p2)
    v = windowAt(p3)
    a = runOf(w)
    store<u64>(o2, a)
    w >>= a >> 48
    o2 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o3, b)
    v >>= b >> 48
    o3 += <usize>(b >> 56)
    a = runOf(w)
    store<u64>(o2, a)
    w >>= a >> 48
    o2 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o3, b)
    v >>= b >> 48
    o3 += <usize>(b >> 56)
    a = runOf(w)
    store<u64>(o2, a)
    w >>= a >> 48
    o2 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o3, b)
    v >>= b >> 48
    o3 += <usize>(b >> 56)
    a = runOf(w)
    store<u64>(o2, a)
    w >>= a >> 48
    o2 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o3, b)
    v >>= b >> 48
    o3 += <usize>(b >> 56)
    p2 += clz(w)
    p3 += clz(v)
    w = windowAt(p4)
    v = windowAt(p5)
    a = runOf(w)
    store<u64>(o4, a)
    w >>= a >> 48
    o4 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o5, b)
    v >>= b >> 48
    o5 += <usize>(b >> 56)
    a = runOf(w)
    store<u64>(o4, a)
    w >>= a >> 48
    o4 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o5, b)
    v >>= b >> 48
    o5 += <usize>(b >> 56)
    a = runOf(w)
    store<u64>(o4, a)
    w >>= a >> 48
    o4 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o5, b)
    v >>= b >> 48
    o5 += <usize>(b >> 56)
    a = runOf(w)
    store<u64>(o4, a)
    w >>= a >> 48
    o4 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o5, b)
    v >>= b >> 48
    o5 += <usize>(b >> 56)
    p4 += clz(w)
    p5 += clz(v)
    w = windowAt(p6)
    v = windowAt(p7)
    a = runOf(w)
    store<u64>(o6, a)
    w >>= a >> 48
    o6 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o7, b)
    v >>= b >> 48
    o7 += <usize>(b >> 56)
    a = runOf(w)
    store<u64>(o6, a)
    w >>= a >> 48
    o6 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o7, b)
    v >>= b >> 48
    o7 += <usize>(b >> 56)
    a = runOf(w)
    store<u64>(o6, a)
    w >>= a >> 48
    o6 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o7, b)
    v >>= b >> 48
    o7 += <usize>(b >> 56)
    a = runOf(w)
    store<u64>(o6, a)
    w >>= a >> 48
    o6 += <usize>(a >> 56)
    b = runOf(v)
    store<u64>(o7, b)
    v >>= b >> 48
    o7 += <usize>(b >> 56)
    p6 += clz(w)
    p7 += clz(v)
  } while (--rounds)
  store<u64>(0, p0, POSITIONS)
  store<u64>(8, p1, POSITIONS)
  store<u64>(16, p2, POSITIONS)
  store<u64>(24, p3, POSITIONS)
  store<u64>(32, p4, POSITIONS)
  store<u64>(40, p5, POSITIONS)
  store<u64>(48, p6, POSITIONS)
  store<u64>(56, p7, POSITIONS)
  store<u32>(0, <u32>o0, OUTS)
  store<u32>(4, <u32>o1, OUTS)
  store<u32>(8, <u32>o2, OUTS)
  store<u32>(12, <u32>o3, OUTS)
  store<u32>(16, <u32>o4, OUTS)
  store<u32>(20, <u32>o5, OUTS)
  store<u32>(24, <u32>o6, OUTS)
  store<u32>(28, <u32>o7, OUTS)
}

/** The entry's bits used lie where a shift takes its amount from once it is moved down; the count above is ignored. */
function runOf(window: u64): u64 {
  return load<u64>((<usize>((<u32>window) & MASK)) << 3, RUN_OF)
}
