// Layers over plain tensors: what a network needs besides products.
import './embedded.js'

export { exp, relu, sigmoid, softmax, tanh, type FunctionOptions } from './ops/functions.js'
export {
  averagePool2d,
  conv2d,
  maxPool2d,
  type AveragePool2dOptions,
  type Conv2dOptions,
  type ImageLayout,
  type ImageOptions,
  type MaxPool2dOptions,
} from './ops/images.js'
export type { WindowOptions } from './ops/window.js'
