import '../embedded.js'

export { isArtifact, readArtifact, type ReadArtifactOptions } from '../io/artifact/index.js'
export type { InputValue } from './inputs.js'
export { loadModel, type LoadProgress, type SessionOptions, type StreamOptions } from './load.js'
export type { StoredForm } from './loader.js'
export type { StreamSource } from './source.js'
export type {
  NodeProfile,
  NodeReport,
  ProfileOptions,
  RunOptions,
  Session,
  SessionProfile,
  SessionReport,
  SessionStats,
} from './session.js'
