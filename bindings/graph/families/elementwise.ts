// Operators on single elements of any type: comparisons, logic, bits, the arithmetic that kernels do on float32 only.
import { intAttribute, stringAttribute } from '../attributes.js'
import {
  allocate,
  binary,
  divides,
  elementFrom,
  elementsOf,
  isBig,
  isFloat,
  RUNNABLE_EVALUATORS,
  spread,
  unary,
  variadic,
  type Elements,
} from '../evaluators.js'
import { operator, operatorTable, type Evaluator, type Rule } from '../operators.js'
import { broadcasting, same } from '../rules.js'

const comparing: Rule = (call) => [{ ...broadcasting(call)[0]!, dtype: 'bool' }]

const testing: Rule = (call) => [{ dtype: 'bool', shape: call.input(0).shape }]

const castLike: Rule = (call) => [{ dtype: call.input(1).dtype, shape: call.input(0).shape }]

/** The second input may be of another type. */
const ofFirst: Rule = (call) => [
  { dtype: call.input(0).dtype, shape: call.broadcast(call.input(0), call.input(1)) },
]

const choosing: Rule = (call) => {
  const [condition, a, b] = [call.input(0), call.input(1), call.input(2)]
  return [{ dtype: call.sameType(a, b), shape: call.broadcast(condition, a, b) }]
}

const where: Evaluator = (call, [output]) => {
  const [condition, a, b] = [0, 1, 2].map((position) => spread(call, position, output.shape)) as [
    Elements,
    Elements,
    Elements,
  ]
  const { tensor, elements } = allocate(output)
  for (let i = 0; i < elements.length; i++) elements[i] = condition[i] ? a[i]! : b[i]!
  return [tensor]
}

/** The remainder with the sign of the divisor, or of the dividend where `fmod` is set. */
const mod: Evaluator = (call, outputs) => {
  const { dtype } = outputs[0]
  if (!isFloat(dtype) && !divides(elementsOf(call, 1))) return undefined
  const zero = elementFrom(dtype, 0)
  const truncated = intAttribute(call.node, 'fmod', 0) !== 0
  const floored = (a: number, b: number) => {
    const rest = a % b
    return rest !== zero && rest < zero !== b < zero ? rest + b : rest
  }
  return binary(truncated ? (a, b) => a % b : floored)(call, outputs)
}

const shift: Evaluator = (call, outputs) => {
  const { dtype } = outputs[0]
  if (isBig(dtype)) {
    return binary(stringAttribute(call.node, 'direction') === 'LEFT' ? (a, b) => a << b : (a, b) => a >> b)(
      call,
      outputs,
    )
  }
  // All bits are gone after 32, where the language begins again.
  const left = stringAttribute(call.node, 'direction') === 'LEFT'
  return binary((a, b) => (b > 31 ? 0 : left ? a << b : a >>> b))(call, outputs)
}

const mean: Evaluator = (call, outputs) => {
  if (!isFloat(outputs[0].dtype)) return undefined
  const sums = sum(call, outputs)!
  const elements = sums[0]!.data as unknown as Elements
  const count = call.node.inputs.length
  for (let i = 0; i < elements.length; i++) elements[i]! /= count
  return sums
}

const sum = variadic((a, b) => a + b)

/** Integer powers of integers by squaring; of a negative exponent only those of 1 and -1 are integers other than 0. */
const pow: Evaluator = (call, outputs) => {
  const { dtype } = outputs[0]
  const exponents = call.input(1)
  if (isFloat(dtype)) return undefined
  const whole = spread(call, 1, outputs[0].shape)
  const base = spread(call, 0, outputs[0].shape)
  if (isFloat(exponents.dtype)) {
    for (let i = 0; i < whole.length; i++) if (!Number.isSafeInteger(whole[i])) return undefined
  }
  const { tensor, elements } = allocate(outputs[0])
  for (let i = 0; i < elements.length; i++) {
    let [factor, exponent, product] = [BigInt(base[i]!), BigInt(whole[i]!), 1n]
    if (exponent < 0n) {
      if (factor === 0n) return undefined
      const unit = factor === 1n || factor === -1n
      exponent = unit ? exponent & 1n : 0n
      if (!unit) product = 0n
    }
    for (; exponent > 0n; exponent >>= 1n) {
      if (exponent & 1n) product = BigInt.asIntN(64, product * factor)
      factor = BigInt.asIntN(64, factor * factor)
    }
    elements[i] = (isBig(dtype) ? product : Number(BigInt.asIntN(32, product))) as number
  }
  return [tensor]
}

/** The lesser or greater, and NaN if either is. */
const least = (a: number, b: number) => (a < b || a !== a ? a : b)
const greatest = (a: number, b: number) => (a > b || a !== a ? a : b)

const infinite: Evaluator = (call, outputs) => {
  const negative = intAttribute(call.node, 'detect_negative', 1) !== 0
  const positive = intAttribute(call.node, 'detect_positive', 1) !== 0
  return unary((x) => Number((positive && x === Infinity) || (negative && x === -Infinity)))(call, outputs)
}

const logic = (operation: (a: number, b: number) => boolean) => binary((a, b) => Number(operation(a, b)))

const comparisons: Record<string, Evaluator> = {
  Equal: logic((a, b) => a === b),
  Greater: logic((a, b) => a > b),
  GreaterOrEqual: logic((a, b) => a >= b),
  Less: logic((a, b) => a < b),
  LessOrEqual: logic((a, b) => a <= b),
}

const bitwise: Record<string, Evaluator> = {
  And: logic((a, b) => a !== 0 && b !== 0),
  Or: logic((a, b) => a !== 0 || b !== 0),
  Xor: logic((a, b) => (a !== 0) !== (b !== 0)),
  BitShift: shift,
  BitwiseAnd: binary((a, b) => a & b),
  BitwiseOr: binary((a, b) => a | b),
  BitwiseXor: binary((a, b) => a ^ b),
}

const signs: Record<string, Evaluator> = {
  Abs: (call, outputs) => {
    const zero = elementFrom(outputs[0].dtype, 0)
    // The zero turns -0 into 0.
    return unary((x) => (x < zero ? -x : x + zero))(call, outputs)
  },
  BitwiseNot: unary((x) => ~x),
  Neg: unary((x) => -x),
  Sign: (call, outputs) => {
    const [minus, zero, plus] = [-1, 0, 1].map((x) => elementFrom(outputs[0].dtype, x)) as [
      number,
      number,
      number,
    ]
    return unary((x) => (x > zero ? plus : x < zero ? minus : x))(call, outputs)
  },
}

const each = (table: Record<string, Evaluator>, entry: ReturnType<typeof operator>) =>
  Object.keys(table).map((name) => [name, entry] as const)

export const ELEMENTWISE = operatorTable(
  [
    ...each(comparisons, operator(2, 2, comparing)),
    ...each(bitwise, operator(2, 2, broadcasting)),
    ...each(signs, operator(1, 1, same)),
    ...['Max', 'Mean', 'Min', 'Sum'].map((name) => [name, operator(1, Infinity, broadcasting)] as const),
    ['CastLike', operator(2, 2, castLike)],
    ['IsInf', operator(1, 1, testing)],
    ['IsNaN', operator(1, 1, testing)],
    ['Mod', operator(2, 2, broadcasting)],
    ['Not', operator(1, 1, same)],
    ['Pow', operator(2, 2, ofFirst)],
    ['Where', operator(3, 3, choosing)],
  ],
  {
    ...comparisons,
    ...bitwise,
    ...signs,
    CastLike: RUNNABLE_EVALUATORS.Cast!,
    Max: variadic(greatest),
    Mean: mean,
    Min: variadic(least),
    Sum: sum,
    IsInf: infinite,
    IsNaN: unary((x) => Number(x !== x)),
    Mod: mod,
    Not: unary((x) => Number(x === 0)),
    Pow: pow,
    Where: where,
  },
)
