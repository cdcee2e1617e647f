import { loadModel } from '../../infer/load.js'
import { writeNpy } from '../../io/npy.js'
import { naming, UsageError } from '../errors.js'
import { checkWritable, writeFile } from '../files.js'
import { parseInputs, readModel, readTensor } from '../inputs.js'
import { print } from '../output.js'

export interface RunCommand {
  readonly input: readonly string[]
  readonly output?: string
}

/** Runs a model once and prints its outputs as JSON, or writes them. */
export function runCommand(path: string, { input, output }: RunCommand): void {
  if (output !== undefined && !/\.(json|npy)$/.test(output)) {
    throw new UsageError(`--output expected a .json or .npy file, got ${output}`)
  }
  if (output !== undefined) checkWritable(output)
  const { model } = readModel(path)
  const feeds = Object.fromEntries(
    Array.from(parseInputs(model, input), ([name, file]) => [name, readTensor(file)]),
  )
  const results = naming(path, () => {
    using session = loadModel(model)
    return session.run(feeds)
  })
  if (output?.endsWith('.npy') === true) {
    const [first, ...others] = Object.values(results)
    if (others.length > 0)
      throw new UsageError('--output expected a .json file: the model has several outputs')
    return writeFile(output, writeNpy(first!))
  }
  const text = JSON.stringify(
    Object.fromEntries(
      Object.entries(results).map(([name, { shape, data }]) => [name, { shape, data: [...data] }]),
    ),
  )
  if (output === undefined) print(text)
  else writeFile(output, `${text}\n`)
}
