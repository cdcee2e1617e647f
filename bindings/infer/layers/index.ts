import { FUNCTIONS } from '../../graph/families/math.js'
import type { LayerFactory } from '../loader.js'
import { conv } from './conv.js'
import { convTranspose } from './conv-transpose.js'
import { add, clip, div, max, min, mul, pow, prelu, relu, sub, unary } from './elementwise.js'
import { expand, pad, rearrange, slice, split, tile } from './copy.js'
import { gemm } from './gemm.js'
import { matmul } from './matmul.js'
import { concat, transpose } from './move.js'
import { batchNormalization, layerNormalization } from './normalize.js'
import { averagePool, globalAveragePool, globalMaxPool, maxPool } from './pool.js'
import { gru, lstm, rnn } from './recurrent.js'
import { reduce } from './reduce.js'
import { resize } from './resize.js'
import { softmax } from './softmax.js'
import { cast, dropout, identity, reshape } from './views.js'

/** How operators are run by kernels. Others run through their evaluator, if they have one. */
export const LAYERS: ReadonlyMap<string, LayerFactory> = new Map<string, LayerFactory>([
  ...[...FUNCTIONS, 'Abs', 'Neg', 'Sign'].map((name) => [name, unary] as const),
  ...['Max', 'Mean', 'Min', 'Prod', 'Sum'].map((kind) => [`Reduce${kind}`, reduce] as const),
  ['Add', add],
  ['AveragePool', averagePool],
  ['BatchNormalization', batchNormalization],
  ['Cast', cast],
  ['CastLike', cast],
  ['Clip', clip],
  ['Concat', concat],
  ['Conv', conv],
  ['ConvTranspose', convTranspose],
  ['DepthToSpace', rearrange],
  ['Div', div],
  ['Dropout', dropout],
  ['Expand', expand],
  ['Flatten', reshape],
  ['GRU', gru],
  ['Gemm', gemm],
  ['GlobalAveragePool', globalAveragePool],
  ['GlobalMaxPool', globalMaxPool],
  ['Identity', identity],
  ['LSTM', lstm],
  ['LayerNormalization', layerNormalization],
  ['MatMul', matmul],
  ['Max', max],
  ['MaxPool', maxPool],
  ['Min', min],
  ['Mul', mul],
  ['PRelu', prelu],
  ['Pad', pad],
  ['Pow', pow],
  ['RMSNormalization', layerNormalization],
  ['RNN', rnn],
  ['Relu', relu],
  ['Reshape', reshape],
  ['Resize', resize],
  ['Slice', slice],
  ['Softmax', softmax],
  ['SpaceToDepth', rearrange],
  ['Split', split],
  ['Squeeze', reshape],
  ['Sub', sub],
  ['Tile', tile],
  ['Transpose', transpose],
  ['Unsqueeze', reshape],
])
