import { FURTHER_EVALUATORS } from './further-evaluators.js'
import * as further from './further-rules.js'
import { operator, operatorTable, type Operators } from './operators.js'
import * as rules from './rules.js'
import { RUNNABLE } from './runnable.js'

const unary = operator(1, 1, rules.same)
const comparison = operator(2, 2, further.comparison)
const variadic = operator(1, Infinity, rules.broadcasting)
const reduction = operator(1, 2, further.reduce)

const FURTHER = operatorTable(
  [
    ...[
      ['Abs', 'Ceil', 'Elu', 'Erf', 'Floor', 'Gelu', 'HardSigmoid', 'HardSwish', 'LeakyRelu', 'Log', 'Neg'],
      ['Reciprocal', 'Round', 'Selu', 'Sign', 'Softplus', 'Sqrt'],
    ]
      .flat()
      .map((name) => [name, unary] as const),
    ['PRelu', operator(2, 2, rules.broadcasting)],
    ...['Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'].map(
      (name) => [name, comparison] as const,
    ),
    ...['Max', 'Mean', 'Min', 'Sum'].map((name) => [name, variadic] as const),
    ...['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'Sum', 'SumSquare'].map(
      (kind) => [`Reduce${kind}`, reduction] as const,
    ),
    ['ArgMax', operator(1, 1, further.argReduce)],
    ['ArgMin', operator(1, 1, further.argReduce)],
    ['Expand', operator(2, 2, further.expand)],
    ['LayerNormalization', operator(2, 3, further.layerNormalization, 3)],
    ['LogSoftmax', operator(1, 1, rules.softmax)],
    ['Pad', operator(2, 4, further.pad)],
    ['Pow', operator(2, 2, further.pow)],
    ['Range', operator(3, 3, further.range)],
    ['Split', operator(1, 2, further.split, Infinity)],
    ['Where', operator(3, 3, further.where)],
  ],
  FURTHER_EVALUATORS,
)

/** All operators that the graph understands: those that can be run, and those that passes and reports only look at. */
export const OPERATORS: Operators = new Map([...RUNNABLE, ...FURTHER])
