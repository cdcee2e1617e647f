import { RUNNABLE_EVALUATORS } from './evaluators.js'
import { ARRANGE } from './families/arrange.js'
import { ELEMENTWISE } from './families/elementwise.js'
import { EINSUM } from './families/einsum.js'
import { GATHER } from './families/gather.js'
import { MATH } from './families/math.js'
import { MATRIX } from './families/matrix.js'
import { ORDER } from './families/order.js'
import { POOLS } from './families/pool.js'
import { QUANTIZED } from './families/quantized.js'
import { SEARCH } from './families/search.js'
import { operator, operatorTable, type Operators } from './operators.js'
import { recurrent } from './recurrent-rule.js'
import { resize } from './resize.js'
import * as rules from './rules.js'
import { convTranspose } from './transposed.js'

const unary = operator(1, 1, rules.same)
const binary = operator(2, 2, rules.broadcasting)

/** The operators that kernels run. */
const OF_KERNELS = operatorTable(
  [
    ...['Identity', 'Relu'].map((name) => [name, unary] as const),
    ...['Add', 'Div', 'Mul', 'Sub'].map((name) => [name, binary] as const),
    ['AveragePool', operator(1, 1, rules.pool)],
    ['BatchNormalization', operator(5, 5, rules.batchNormalization, 5)],
    ['Cast', operator(1, 1, rules.cast)],
    ['Clip', operator(1, 3, rules.clip)],
    ['Concat', operator(1, Infinity, rules.concat)],
    ['ConstantOfShape', operator(1, 1, rules.constantOfShape)],
    ['Conv', operator(2, 3, rules.conv)],
    ['ConvTranspose', operator(2, 3, convTranspose)],
    ['Dropout', operator(1, 3, rules.dropout, 2)],
    ['Flatten', operator(1, 1, rules.flatten)],
    ['GRU', operator(3, 6, recurrent(3), 2)],
    ['Gather', operator(2, 2, rules.gather)],
    ['Gemm', operator(2, 3, rules.gemm)],
    ['GlobalAveragePool', operator(1, 1, rules.globalPool)],
    ['GlobalMaxPool', operator(1, 1, rules.globalPool)],
    ['LSTM', operator(3, 8, recurrent(4), 3)],
    ['MatMul', operator(2, 3, rules.matmul)],
    ['RNN', operator(3, 6, recurrent(1), 2)],
    ['Reshape', operator(2, 2, rules.reshape)],
    ['Resize', operator(1, 4, resize)],
    ['Shape', operator(1, 1, rules.shape)],
    ['Slice', operator(3, 5, rules.slice)],
    ['Softmax', operator(1, 1, rules.softmax)],
    ['Squeeze', operator(1, 2, rules.squeeze)],
    ['Transpose', operator(1, 1, rules.transpose)],
    ['Unsqueeze', operator(2, 2, rules.unsqueeze)],
  ],
  RUNNABLE_EVALUATORS,
)

/** The operators that inference runs. */
export const RUNNABLE: Operators = new Map([
  ...ARRANGE,
  ...EINSUM,
  ...ELEMENTWISE,
  ...GATHER,
  ...MATRIX,
  ...ORDER,
  ...MATH,
  ...POOLS,
  ...QUANTIZED,
  ...SEARCH,
  ...OF_KERNELS,
])
