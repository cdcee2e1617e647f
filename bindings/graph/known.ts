import { FURTHER_EVALUATORS } from './further-evaluators.js'
import { operator, operatorTable, type Operators } from './operators.js'
import * as rules from './rules.js'
import { RUNNABLE } from './runnable.js'

const unary = operator(1, 1, rules.same)
const reduction = RUNNABLE.get('ReduceSum')!

const FURTHER = operatorTable(
  [
    ...[
      [
        'Acos',
        'Acosh',
        'Asin',
        'Asinh',
        'Atanh',
        'Celu',
        'Ceil',
        'Cosh',
        'Floor',
        'Mish',
        'Reciprocal',
        'Selu',
        'Sinh',
        'Softsign',
      ],
      ['LRN', 'LpNormalization', 'MeanVarianceNormalization', 'Sqrt', 'Tan'],
    ]
      .flat()
      .map((name) => [name, unary] as const),
    ...['L1', 'L2', 'LogSum', 'LogSumExp', 'SumSquare'].map((kind) => [`Reduce${kind}`, reduction] as const),
    ['GroupNormalization', operator(3, 3, rules.same)],
    ['Hardmax', operator(1, 1, rules.softmax)],
    ['InstanceNormalization', operator(3, 3, rules.same)],
    ['LogSoftmax', operator(1, 1, rules.softmax)],
  ],
  FURTHER_EVALUATORS,
)

/** All operators that the graph understands: those that can be run, and those that passes and reports only look at. */
export const OPERATORS: Operators = new Map([...RUNNABLE, ...FURTHER])
