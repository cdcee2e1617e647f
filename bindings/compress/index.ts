import '../embedded.js'

export {
  compress,
  type CompressionProgress,
  type CompressionResult,
  type CompressOptions,
} from './pipeline.js'
export {
  RECIPES,
  type BiasStage,
  type CodeStage,
  type PruneStage,
  type QuantizeStage,
  type Recipe,
  type RecipeName,
  type RefitStage,
  type ShareStage,
  type Stage,
} from './recipe.js'
export type { CalibrationData, Feed } from './calibration.js'
export type { CompressionReport, EvaluationReport, LayerReport } from './report.js'
export {
  inspectArtifact,
  writeArtifact,
  type ArtifactSummary,
  type FloatStorage,
  type TensorReport,
  type WriteArtifactOptions,
  type WrittenArtifact,
} from '../io/artifact/index.js'
export {
  readSafetensors,
  writeSafetensors,
  type SafetensorsTensors,
  type WriteSafetensorsOptions,
} from '../io/safetensors/index.js'
export type { GapCode } from '../formats/gaps.js'
export {
  countGaps,
  decodeGaps,
  encodeGaps,
  type CountGapsOptions,
  type DecodeGapsOptions,
  type EncodeGapsOptions,
  type GapCounts,
} from '../ops/gaps.js'
export { magnitudeThreshold, type Scored } from '../ops/prune.js'
