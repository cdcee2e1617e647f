type Elements = Float32Array | Int32Array | Uint8Array | Uint16Array

export interface TfWeight {
  readonly shape: readonly number[]
  readonly data: Elements
  /** Type of the data unless given. */
  readonly dtype?: string
  readonly quantization?: Readonly<Record<string, unknown>>
}

/** `[op, name, inputs, attributes]`; inputs are separated by spaces. */
export type TfNodeSpec = readonly [string, string, string, Readonly<Record<string, unknown>>?]

export interface TfModelSpec {
  readonly inputs: Readonly<Record<string, readonly number[]>>
  readonly nodes: readonly TfNodeSpec[]
  readonly weights?: Readonly<Record<string, TfWeight>>
  readonly signature?: unknown
}

const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64')

/** An AttrValue as protobuf's JSON has it; objects are taken as they are. */
function attribute(value: unknown): unknown {
  if (typeof value === 'boolean') return { b: value }
  if (typeof value === 'string') return { s: base64(value) }
  if (typeof value === 'number') return Number.isInteger(value) ? { i: String(value) } : { f: value }
  if (!Array.isArray(value)) return value
  const isText = typeof value[0] === 'string'
  return { list: isText ? { s: value.map((item) => base64(item as string)) } : { i: value.map(String) } }
}

const dtypeOf = (data: Elements): string =>
  data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'uint8'

/** The manifest of some weights, and their bytes. */
export function buildWeights(weights: Readonly<Record<string, TfWeight>>): {
  weightsManifest: { paths: string[]; weights: Record<string, unknown>[] }[]
  bytes: Uint8Array
} {
  const specs = Object.entries(weights).map(
    ([name, { shape, data, dtype = dtypeOf(data), quantization }]) => ({
      name,
      shape,
      dtype,
      ...(quantization === undefined ? {} : { quantization }),
    }),
  )
  const bytes = Buffer.concat(
    Object.values(weights).map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength)),
  )
  return { weightsManifest: [{ paths: ['weights.bin'], weights: specs }], bytes: new Uint8Array(bytes) }
}

/** A graph model as TensorFlow.js writes it: model.json and the contents of its one binary file. */
export function buildGraphModel({ inputs, nodes, weights = {}, signature }: TfModelSpec): {
  json: Record<string, unknown>
  bytes: Uint8Array
} {
  const { weightsManifest, bytes } = buildWeights(weights)
  const node = [
    ...Object.entries(inputs).map(([name, sizes]) => ({
      name,
      op: 'Placeholder',
      attr: {
        dtype: { type: 'DT_FLOAT' },
        shape: { shape: { dim: sizes.map((size) => ({ size: String(size) })) } },
      },
    })),
    ...Object.keys(weights).map((name) => ({ name, op: 'Const', attr: {} })),
    ...nodes.map(([op, name, wires, attributes = {}]) => ({
      name,
      op,
      input: wires.split(' ').filter(Boolean),
      attr: Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, attribute(value)])),
    })),
  ]
  const json = { format: 'graph-model', modelTopology: { node, library: {}, versions: {} }, weightsManifest }
  return { json: signature === undefined ? json : { ...json, signature }, bytes }
}
