import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tensor } from '../../bindings/formats/tensor.js'
import { readTensor, type NamedTensor } from '../../bindings/io/onnx/tensor.js'
import { ProtoReader } from '../../bindings/io/onnx/wire.js'

/** One model of ONNX's backend test suite with what it is to compute. */
export interface ConformanceCase {
  /** As `node/test_abs`. */
  readonly name: string
  readonly folder: string
}

/** The cases under `folder`: groups of folders, each with a `model.onnx` and `test_data_set_*`. */
export function listCases(folder: string): ConformanceCase[] {
  return readdirSync(folder)
    .sort()
    .flatMap((group) =>
      readdirSync(join(folder, group))
        .sort()
        .map((name) => ({ name: `${group}/${name}`, folder: join(folder, group, name) })),
    )
    .filter((test) => existsSync(join(test.folder, 'model.onnx')))
}

export interface DataSet {
  readonly inputs: readonly NamedTensor[]
  readonly outputs: readonly NamedTensor[]
}

/** The data sets of a case. Throws FormatError for values that are no tensors of numbers. */
export function readDataSets({ folder }: ConformanceCase): DataSet[] {
  return readdirSync(folder)
    .filter((name) => name.startsWith('test_data_set_'))
    .map((name) => {
      const values = (kind: string) =>
        readdirSync(join(folder, name))
          .filter((file) => file.startsWith(`${kind}_`) && file.endsWith('.pb'))
          .sort((a, b) => numberIn(a) - numberIn(b))
          .map((file) => readTensorFile(readFileSync(join(folder, name, file))))
      return { inputs: values('input'), outputs: values('output') }
    })
}

const numberIn = (file: string) => Number(/\d+/.exec(file)![0])

/** A file is one TensorProto, which the reader expects inside another message: with its length in front. */
function readTensorFile(bytes: Uint8Array): NamedTensor {
  const prefix: number[] = []
  let length = bytes.length
  for (; length > 127; length = Math.floor(length / 128)) prefix.push(128 + (length % 128))
  return readTensor(new ProtoReader(Buffer.concat([Uint8Array.of(...prefix, length), bytes])))
}

/** Tolerances of ONNX's own runner: |actual - expected| <= ABSOLUTE + RELATIVE * |expected|; integers must be equal. */
const RELATIVE = 1e-3
const ABSOLUTE = 1e-7

/** What differs between a result and what is expected; undefined if nothing does. */
export function difference(actual: Tensor | undefined, expected: Tensor): string | undefined {
  if (actual === undefined) return 'no such output'
  const show = ({ dtype, shape }: Tensor) => `${dtype} [${shape.join(', ')}]`
  if (show(actual) !== show(expected)) return `${show(actual)} instead of ${show(expected)}`
  const isFloat = expected.dtype.startsWith('float')
  for (let i = 0; i < expected.data.length; i++) {
    const [x, y] = [actual.data[i]!, expected.data[i]!]
    const isSame = x === y || (x !== x && y !== y)
    const isNear = isFloat && Math.abs(Number(x) - Number(y)) <= ABSOLUTE + RELATIVE * Math.abs(Number(y))
    if (!isSame && !isNear) return `element ${i} is ${x} instead of ${y}`
  }
  return undefined
}
