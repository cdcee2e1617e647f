import { CORRUPT, OK, TRUNCATED } from '../common/status'
import { peekBits } from '../common/bits'
import { entryBits } from './encode'
import {
  BLOCK,
  ENDS,
  LENGTH_OF,
  LENGTHS,
  MAX_BITS,
  NO_CODE,
  OUT_ENDS,
  OUTS,
  POSITIONS,
  RUN_OF,
  SPLIT,
  STREAMS,
  SYMBOL_OF,
  SYMBOLS_ONLY,
  TABLES_BYTES,
  TABLES_IN_STATE,
  WITH_RUNS,
} from './layout'
import { decodeRuns, ROUND_RUNS } from './runs'
import { decodeSymbols, ROUND_SYMBOLS } from './symbols'
import { getTable } from './code-table'
import { buildRuns, buildSymbols, fillsCodeSpace } from './tables'
import { ROUND_BITS } from './window'

const MASK: u64 = (1 << MAX_BITS) - 1

/**
 * Decodes one block of n symbols, 1..BLOCK, to out u8[n] from the bit string in bytes u8[length], from its bit `bit`
 * (0..7) on. Returns how many bits it took, or TRUNCATED or CORRUPT. Contract: assembly/README.md#huffman
 */
export function u8_huf_decode_block(
  bytes: usize,
  out: usize,
  state: usize,
  length: i32,
  n: i32,
  bit: i32,
): i32 {
  const start = ((<u64>bytes) << 3) + bit
  const end = (<u64>bytes + length) << 3
  let position = start
  if (position >= end) return TRUNCATED
  const isFresh = (peekBits(position, end) & 1) != 0
  position += 1
  let tables = NO_CODE
  if (isFresh) {
    store<u64>(POSITIONS, position)
    const symbol = getTable(POSITIONS, end, LENGTHS)
    if (symbol < 0) return symbol
    position = load<u64>(POSITIONS)
    if (symbol > 0) {
      memory.fill(out, <u8>(symbol - 1), <usize>n)
      store<u32>(state, NO_CODE)
      return <i32>(position - start)
    }
    if (!fillsCodeSpace()) return CORRUPT
    buildSymbols()
    tables = SYMBOLS_ONLY
  } else {
    tables = load<u32>(state)
    if (tables == NO_CODE) return CORRUPT
    copyTables(tables, RUN_OF, state + TABLES_IN_STATE)
  }

  if (n < SPLIT) {
    position = getRun(position, end, out, n)
  } else {
    const status = placeStreams(position, end, out, n)
    if (status != OK) return status
    if (hasShortCodes(n)) {
      if (tables == SYMBOLS_ONLY) buildRuns()
      tables = WITH_RUNS
      advanceRuns(end)
    } else advanceSymbols(end)
    position = finish(end)
    if (position == 0) return CORRUPT
  }
  if (position > end) return TRUNCATED
  // A smaller block is the last.
  if (n == BLOCK && (isFresh || tables != load<u32>(state))) {
    copyTables(tables, state + TABLES_IN_STATE, RUN_OF)
    store<u32>(state, tables)
  }
  return <i32>(position - start)
}

/** Those of single symbols, which lie behind the other, are always there. */
function copyTables(tables: u32, to: usize, from: usize): void {
  const skipped = tables == SYMBOLS_ONLY ? LENGTH_OF - RUN_OF : 0
  memory.copy(to + skipped, from + skipped, TABLES_BYTES - skipped)
}

/** Reads the directory: where the streams begin and end, and where their symbols go. */
function placeStreams(position: u64, end: u64, out: usize, size: i32): i32 {
  const width = entryBits(size)
  const each = size / STREAMS
  let start = position + <u64>((STREAMS - 1) * width)
  if (start > end) return TRUNCATED
  for (let i = 0; i < STREAMS; i++) {
    store<u64>(eight(i), start, POSITIONS)
    store<u32>(four(i), <u32>out, OUTS)
    if (i == STREAMS - 1) break
    start += peekBits(position, end) & (((<u64>1) << width) - 1)
    if (start > end) return TRUNCATED
    store<u64>(eight(i), start, ENDS)
    position += width
    out += <usize>each
    store<u32>(four(i), <u32>out, OUT_ENDS)
  }
  store<u32>(OUT_ENDS, <u32>out + <u32>(size - (STREAMS - 1) * each), 4 * (STREAMS - 1))
  return OK
}

/** Below 4.8 bits a code, looking up runs of symbols is the faster way. */
function hasShortCodes(size: i32): bool {
  const bits = <i32>(load<u64>(POSITIONS, 8 * (STREAMS - 1)) - load<u64>(POSITIONS))
  return 5 * bits < 24 * (STREAMS - 1) * (size / STREAMS)
}

/**
 * Rounds that are safe: no stream can pass the end of the data, nor come nearer than `spare` bytes to the end of its
 * output.
 */
function safeRounds(end: u64, symbols: u32, spare: u32): i32 {
  let rounds: u64 = <u64>BLOCK
  for (let i = 0; i < STREAMS; i++) {
    const room = load<u32>(four(i), OUT_ENDS) - load<u32>(four(i), OUTS)
    rounds = min(rounds, <u64>((max(room, spare) - spare) / symbols))
    rounds = min(rounds, (end - load<u64>(eight(i), POSITIONS)) / ROUND_BITS)
  }
  return <i32>rounds
}

/** Brings all streams to within a round of the end of their output, or of the data. */
function advanceSymbols(end: u64): void {
  const stride = <usize>(load<u32>(OUTS, 4) - load<u32>(OUTS))
  let rounds = safeRounds(end, ROUND_SYMBOLS, 0)
  while (rounds > 0) {
    decodeSymbols(<usize>load<u32>(OUTS), stride, rounds)
    for (let i = 0; i < STREAMS; i++) {
      store<u32>(four(i), load<u32>(four(i), OUTS) + ROUND_SYMBOLS * <u32>rounds, OUTS)
    }
    rounds = safeRounds(end, ROUND_SYMBOLS, 0)
  }
}

/** Likewise. A store of 8 bytes begins at the latest 6 bytes before the most that a round can write. */
function advanceRuns(end: u64): void {
  let rounds = safeRounds(end, ROUND_RUNS, 2)
  while (rounds > 0) {
    decodeRuns(rounds)
    rounds = safeRounds(end, ROUND_RUNS, 2)
  }
}

/** Decodes what is left of each stream. Returns where the last one ends, or 0 if one does not end where it should. */
function finish(end: u64): u64 {
  let position: u64 = 0
  for (let i = 0; i < STREAMS; i++) {
    const out = <usize>load<u32>(four(i), OUTS)
    const left = <i32>(<usize>load<u32>(four(i), OUT_ENDS) - out)
    position = getRun(load<u64>(eight(i), POSITIONS), end, out, left)
    if (i < STREAMS - 1 && position != load<u64>(eight(i), ENDS)) return 0
  }
  return position
}

function four(i: i32): usize {
  return (<usize>i) << 2
}

function eight(i: i32): usize {
  return (<usize>i) << 3
}

/** Decodes n symbols from one stream; the returned position is past `end` if the stream was too short. */
function getRun(position: u64, end: u64, out: usize, n: i32): u64 {
  while (n > 0 && position <= end) {
    const bits = <usize>((load<u64>(<usize>(position >> 3)) >> (position & 7)) & MASK)
    store<u8>(out, load<u8>(SYMBOL_OF + bits))
    position += load<u8>(LENGTH_OF + bits)
    out++
    n--
  }
  return n > 0 ? end + 1 : position
}
