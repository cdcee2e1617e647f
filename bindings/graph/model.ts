import type { CodebookTensor } from '../formats/codebook.js'
import type { Int4Tensor } from '../formats/int4.js'
import type { QuantizedTensor } from '../formats/quantized.js'
import type { ElementType, Tensor } from '../formats/tensor.js'

/** A weight in whatever form it is stored; none is expanded until a layer packs it. */
export type Weight = Tensor | QuantizedTensor | Int4Tensor | CodebookTensor

/** A dimension: a number, a name shared by equal dimensions (`"N"`), or null when nothing is known. */
export type Dimension = number | string | null

export interface ValueInfo {
  readonly name: string
  readonly dtype: ElementType
  /** undefined when even the rank is unknown. */
  readonly shape: readonly Dimension[] | undefined
}

export type Attribute = number | string | readonly number[] | readonly string[] | Tensor | Graph

/** One operator with ONNX names and semantics. An absent optional input is the empty string. */
export interface GraphNode {
  readonly name: string
  readonly op: string
  /** '' is the standard ONNX domain. */
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: Readonly<Record<string, Attribute>>
}

export interface Graph {
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  /** In topological order. */
  readonly nodes: readonly GraphNode[]
  readonly weights: ReadonlyMap<string, Weight>
}

/** `real = scale * (q - zeroPoint)` for an int8 activation. */
export interface ActivationRange {
  readonly scale: number
  readonly zeroPoint: number
}

/** A network: a graph, the opset its operators follow, and free-text facts about its origin. */
export interface Model extends Graph {
  readonly name: string
  /** Version of the standard ONNX operator set. */
  readonly opset: number
  readonly metadata: Readonly<Record<string, string>>
  /** int8 parameters of activations by value name, from calibration; a quantized layer with one runs statically. */
  readonly activations?: ReadonlyMap<string, ActivationRange>
}
