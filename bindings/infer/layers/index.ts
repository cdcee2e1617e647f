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
import { cast, dropout, identity, reshape } from './views.js'

/** How operators are run by kernels. Others run through their evaluator, if they have one. */
export const LAYERS: ReadonlyMap<string, LayerFactory> = new Map<string, LayerFactory>([
  ['Add', add],
  ['AveragePool', averagePool],
  ['BatchNormalization', batchNormalization],
  ['Cast', cast],
  ['Clip', clip],
  ['Concat', concat],
  ['Conv', conv],
  ['Div', div],
  ['Dropout', dropout],
  ['Exp', exp],
  ['Flatten', reshape],
  ['GRU', gru],
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
  ['Sigmoid', sigmoid],
  ['Softmax', softmax],
  ['Squeeze', reshape],
  ['Sub', sub],
  ['Tanh', tanh],
  ['Transpose', transpose],
  ['Unsqueeze', reshape],
])
