export {
  agreement,
  argmax,
  classificationMetrics,
  confusionMatrix,
  topK,
  type ClassificationMetrics,
  type ClassMetrics,
} from './classification.js'
export { distance, type Distance } from './distance.js'
export { compare, evaluate, type Comparison, type EvaluateOptions, type Evaluation } from './evaluate.js'
export { measure, type Measurement, type MeasureOptions } from './measure.js'
export { predict, type Dataset, type Predictions, type PredictOptions, type Runnable } from './predict.js'
export { readIdx, type IdxArray } from '../io/idx.js'
