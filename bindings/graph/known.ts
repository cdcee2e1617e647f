import { FURTHER_EVALUATORS } from './further-evaluators.js'
import * as further from './further-rules.js'
import { operator, operatorTable, type Operators } from './operators.js'
import * as rules from './rules.js'
import { RUNNABLE } from './runnable.js'

const unary = operator(1, 1, rules.same)
const reduction = operator(1, 2, further.reduce)

const FURTHER = operatorTable(
  [
    ...[
      ['Ceil', 'Elu', 'Erf', 'Floor', 'Gelu', 'HardSigmoid', 'HardSwish', 'LeakyRelu', 'Log'],
      ['Reciprocal', 'Round', 'Selu', 'Softplus', 'Sqrt'],
    ]
      .flat()
      .map((name) => [name, unary] as const),
    ['PRelu', operator(2, 2, rules.broadcasting)],
    ...['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'Sum', 'SumSquare'].map(
      (kind) => [`Reduce${kind}`, reduction] as const,
    ),
    ['LayerNormalization', operator(2, 3, further.layerNormalization, 3)],
    ['LogSoftmax', operator(1, 1, rules.softmax)],
  ],
  FURTHER_EVALUATORS,
)

/** All operators that the graph understands: those that can be run, and those that passes and reports only look at. */
export const OPERATORS: Operators = new Map([...RUNNABLE, ...FURTHER])
