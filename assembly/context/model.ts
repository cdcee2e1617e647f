import {
  BASES,
  BIT_CONTEXTS,
  CURSOR,
  END,
  FAILED,
  FIRST_WEIGHT,
  HIGH,
  INPUTS,
  LOW,
  MOST_COUNT,
  MOST_ODDS,
  MOST_WEIGHT,
  NODE_CELLS,
  NODE_ROWS,
  RECIPROCALS,
  SQUASHED,
  STRETCHED,
  UNIT,
  VALUE,
  ZERO_CONTEXTS,
  ZERO_SETS,
} from './layout'

/** 4096 / (1 + e^-x) for x = -8, -7.5 .. 8, rounded. */
const LOGISTIC = memory.data<u16>([
  1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785,
  3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095,
])

export function nodesOf(width: i32): usize {
  return (<usize>1) << width
}

/** Where weights begin in the state, behind the cells. */
export function weightsAt(width: i32): usize {
  return NODE_CELLS + (NODE_ROWS << (width + 2))
}

export function stateBytes(width: i32): usize {
  return weightsAt(width) + ((ZERO_SETS * (ZERO_CONTEXTS + 1) + nodesOf(width) * (BIT_CONTEXTS + 1)) << 2)
}

/** Cells that know nothing, weights that trust all alike, tables. */
export function prepare(state: usize, width: i32): void {
  const cells = state + weightsAt(width)
  for (let at = state; at < cells; at += 4) store<u32>(at, 32768)
  const end = state + stateBytes(width)
  let left = 0
  for (let at = cells, set = 0; at < end; at += 4) {
    // The last weight of a set is that of the constant.
    if (left == 0) left = (set++ < <i32>ZERO_SETS ? ZERO_CONTEXTS : BIT_CONTEXTS) + 1
    store<i32>(at, --left == 0 ? 0 : FIRST_WEIGHT)
  }
  for (let count: u32 = 0; count <= MOST_COUNT; count++) {
    store<u32>(RECIPROCALS + ((<usize>count) << 2), (1 << 27) / (2 * count + 3) + 1)
  }
  let next: i32 = 0
  for (let odds = -MOST_ODDS; odds <= MOST_ODDS; odds++) {
    const at = (<usize>((odds + 2048) >> 7)) << 1
    const part = (odds + 2048) & 127
    const low = <i32>load<u16>(LOGISTIC + at)
    const high = <i32>load<u16>(LOGISTIC + at, 2)
    const probability = min(max((low * (128 - part) + high * part + 64) >> 7, 1), 4095)
    store<u16>(SQUASHED + ((<usize>(odds + 2048)) << 1), <u16>probability)
    for (; next <= probability; next++) store<i16>(STRETCHED + ((<usize>next) << 1), <i16>odds)
  }
  for (; next < 4096; next++) store<i16>(STRETCHED + ((<usize>next) << 1), <i16>MOST_ODDS)
}

/**
 * Codes one bit by what the cells at BASES, `node` words on, say about it, and tells them. `bit` is 0 or 1, or -1 for one
 * that is to be decoded; returns it.
 */
export function codeBit(bit: i32, contexts: i32, node: usize, weights: usize): i32 {
  let dot: i64 = <i64>UNIT * load<i32>(weights + ((<usize>contexts) << 2))
  for (let i: usize = 0; i < (<usize>contexts) << 2; i += 4) {
    const cell = load<u16>(<usize>load<u32>(BASES + i) + (node << 2))
    const odds = <i32>load<i16>(STRETCHED + (((<usize>cell) >> 4) << 1))
    store<i32>(INPUTS + i, odds)
    dot += <i64>odds * load<i32>(weights + i)
  }
  const odds = min(max(dot >> 16, -MOST_ODDS), MOST_ODDS)
  const probability = <i32>load<u16>(SQUASHED + ((<usize>(odds + 2048)) << 1))

  bit = narrow(bit, probability)
  const error = (bit << 12) - probability
  adapt(weights + ((<usize>contexts) << 2), UNIT * error)
  for (let i: usize = 0; i < (<usize>contexts) << 2; i += 4) {
    adapt(weights + i, load<i32>(INPUTS + i) * error)
    const at = <usize>load<u32>(BASES + i) + (node << 2)
    const cell = load<u32>(at)
    const count = cell >> 16
    const old = <i32>(cell & 0xffff)
    // Exact division, of numbers below 2^17 by divisors below 2^10, rounded towards zero.
    const reciprocal = <u64>load<u32>(RECIPROCALS + ((<usize>count) << 2))
    const way = bit ? 65535 - old : old
    const step = <i32>((<u64>(2 * way) * reciprocal) >> 27)
    store<u32>(at, (min(count + 1, MOST_COUNT) << 16) | (<u32>(bit ? old + step : old - step)))
  }
  return bit
}

function adapt(at: usize, by: i32): void {
  store<i32>(at, min(max(load<i32>(at) + ((by + 2048) >> 12), -MOST_WEIGHT), MOST_WEIGHT))
}

/** Takes the part of the interval that belongs to the bit, whose probability of being 1 is of 12 bits. */
function narrow(bit: i32, probability: i32): i32 {
  let low = load<u32>(LOW)
  let high = load<u32>(HIGH)
  const middle = low + ((high - low) >> 12) * probability
  const isDecoding = bit < 0
  if (isDecoding) bit = <i32>(load<u32>(VALUE) <= middle)
  if (bit) high = middle
  else low = middle + 1
  while ((low ^ high) >> 24 == 0) {
    moveByte(isDecoding, high >> 24)
    low <<= 8
    high = (high << 8) | 255
  }
  store<u32>(LOW, low)
  store<u32>(HIGH, high)
  return bit
}

/** Writes a byte, or reads one into VALUE. */
export function moveByte(isDecoding: bool, byte: u32): void {
  const at = <usize>load<u32>(CURSOR)
  if (at == <usize>load<u32>(END)) {
    store<u32>(FAILED, 1)
    return
  }
  if (isDecoding) store<u32>(VALUE, (load<u32>(VALUE) << 8) | (<u32>load<u8>(at)))
  else store<u8>(at, <u8>byte)
  store<u32>(CURSOR, <u32>at + 1)
}
