import { loadModel } from '../../infer/load.js'
import { naming } from '../errors.js'
import { parseInputs, readModel, readTensor } from '../inputs.js'
import { kilobytes, percent, print, printTable, writeRows } from '../output.js'

export interface ProfileCommand {
  readonly input: readonly string[]
  readonly runs: number
  readonly json?: string
}

/** Runs a model several times and prints where the time goes. */
export function profileCommand(path: string, { input, runs, json }: ProfileCommand): void {
  const { model } = readModel(path)
  const feeds = Object.fromEntries(
    Array.from(parseInputs(model, input), ([name, file]) => [name, readTensor(file)]),
  )
  const { nodes, ms, target, weightBytes, activationBytes } = naming(path, () => {
    using session = loadModel(model)
    return session.profile(feeds, { runs })
  })
  const called = nodes.filter(({ kernels }) => kernels.length > 0)
  printTable(
    ['node', 'operator', 'weights', 'kB', 'shape', 'MMAC', 'ms', 'of all'],
    called.map((node) => [
      node.name,
      node.op,
      node.stored === 'none' ? '' : node.stored,
      (node.weightBytes / 1000).toFixed(1),
      node.shape.join('x'),
      (node.macs / 1e6).toFixed(2),
      node.ms.toFixed(3),
      percent(node.ms / ms, 1),
    ]),
  )
  print(
    `${ms.toFixed(3)} ms a run (median of ${runs}, ${target}), ${kilobytes(weightBytes)} of weights, ${kilobytes(activationBytes)} of activations`,
  )
  writeRows(
    json,
    called.map(({ name, op, stored, weightBytes: bytes, outputBytes, macs, ms: time }) => ({
      node: name,
      op,
      stored,
      weightBytes: bytes,
      outputBytes,
      macs,
      ms: time,
    })),
  )
}
