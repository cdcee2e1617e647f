import type { LayerFactory } from '../loader.js'
import { conv } from './conv.js'
import { add, clip, div, exp, mul, relu, sigmoid, sub, tanh } from './elementwise.js'
import { gemm } from './gemm.js'
import { matmul } from './matmul.js'
import { concat, transpose } from './move.js'
import { batchNormalization } from './normalize.js'
import { averagePool, globalAveragePool, globalMaxPool, maxPool } from './pool.js'
import { gru, lstm, rnn } from './recurrent.js'
import { softmax } from './softmax.js'
import { cast, identity, reshape, shapeArithmetic } from './views.js'

/** How each operator is run. One that is not here is not supported. */
export const LAYERS: ReadonlyMap<string, LayerFactory> = new Map<string, LayerFactory>([
  ['Add', add],
  ['AveragePool', averagePool],
  ['BatchNormalization', batchNormalization],
  ['Cast', cast],
  ['Clip', clip],
  ['Concat', concat],
  ['ConstantOfShape', shapeArithmetic],
  ['Conv', conv],
  ['Div', div],
  ['Dropout', identity],
  ['Exp', exp],
  ['Flatten', reshape],
  ['GRU', gru],
  ['Gather', shapeArithmetic],
  ['Gemm', gemm],
  ['GlobalAveragePool', globalAveragePool],
  ['GlobalMaxPool', globalMaxPool],
  ['Identity', identity],
  ['LSTM', lstm],
  ['MatMul', matmul],
  ['MaxPool', maxPool],
  ['Mul', mul],
  ['RNN', rnn],
  ['Relu', relu],
  ['Reshape', reshape],
  ['Shape', shapeArithmetic],
  ['Sigmoid', sigmoid],
  ['Slice', shapeArithmetic],
  ['Softmax', softmax],
  ['Squeeze', reshape],
  ['Sub', sub],
  ['Tanh', tanh],
  ['Transpose', transpose],
  ['Unsqueeze', reshape],
])
