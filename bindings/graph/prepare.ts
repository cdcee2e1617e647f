import { checkModel } from './check.js'
import type { Model } from './model.js'
import { eliminateDead } from './passes/eliminate-dead.js'
import { foldBatchNorm } from './passes/fold-batch-norm.js'
import { foldConstants } from './passes/fold-constants.js'
import { fuseActivations } from './passes/fuse-activations.js'
import { fuseBias } from './passes/fuse-bias.js'
import { expandFunctions } from './passes/expand-functions.js'
import { fuseFunctions } from './passes/fuse-functions.js'
import { fuseNormalization } from './passes/fuse-normalization.js'
import { inlineBranches } from './passes/inline-branches.js'
import { lowerEinsum } from './passes/lower-einsum.js'
import { lowerQuantized } from './passes/lower-quantized.js'
import { removeIdentity } from './passes/remove-identity.js'
import { sinkTransposes } from './passes/sink-transposes.js'
import { upgrade } from './passes/upgrade.js'
import { mergeScopes } from './scopes.js'

/**
 * The model as layers want it: operators in their newest form, constants folded, branches that constants choose put in the
 * place of their If, functions of ONNX and what exporters write for them as operators with a kernel, transposes moved until they cancel, BatchNormalization, biases and clamping taken into the operator
 * before, nothing dead. Computes the same values, up to rounding, on the same inputs. Preparing a
 * prepared model changes nothing.
 *
 * @param keep names of values to preserve beside the outputs
 * @throws FormatError for a model that does not hold together; RangeError for shapes that do not fit
 */
export function prepare(model: Model, keep: Iterable<string> = []): Model {
  const kept = new Set(keep)
  checkModel(model)
  // A branch that constants choose brings constants of its own.
  const inline = [removeIdentity, foldConstants, inlineBranches]
  const passes = [
    lowerQuantized,
    ...inline,
    ...inline,
    removeIdentity,
    foldConstants,
    fuseFunctions,
    fuseNormalization,
    expandFunctions,
    lowerEinsum,
    sinkTransposes,
    fuseBias,
    foldBatchNorm,
    fuseActivations,
    eliminateDead,
  ]
  return passes.reduce((current, pass) => pass(current, kept), mergeScopes(upgrade(model)))
}
