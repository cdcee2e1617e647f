import { writeOnnx } from '../../io/onnx/index.js'
import { naming } from '../errors.js'
import { checkWritable, writeFile } from '../files.js'
import { readModel } from '../inputs.js'
import { kilobytes, print } from '../output.js'

/** Writes a model as ONNX, for other runtimes. */
export function exportCommand(path: string, { output }: { readonly output: string }): void {
  checkWritable(output)
  const { model, bytes } = readModel(path)
  const written = naming(path, () => writeOnnx(model))
  writeFile(output, written)
  print(`${output}: ${kilobytes(written.length)}, from ${kilobytes(bytes)}`)
}
