import '../embedded.js'

export { isArtifact, readArtifact, type ReadArtifactOptions } from '../io/artifact/index.js'
export type { InputValue } from './inputs.js'
export { loadModel, type SessionOptions } from './load.js'
export type { StoredForm } from './loader.js'
export type { NodeReport, RunOptions, Session, SessionReport, SessionStats } from './session.js'
