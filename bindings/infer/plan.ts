import { BYTES_PER_ELEMENT, elementCount, type ElementType, type Tensor } from '../formats/tensor.js'
import { Call, UnknownValues, type ValueType } from '../graph/call.js'
import type { ActivationRange, GraphNode } from '../graph/model.js'
import { readsOf } from '../graph/uses.js'
import { MAX_SHAPE_INPUT } from '../limits.js'
import { viewSlot, writeSlot, type Slot } from '../ops/slot.js'
import type { Handle } from '../runtime/handle.js'
import type { Arena } from './arena.js'
import { convert } from './convert.js'
import type { LoadedNode, Owned } from './loader.js'
import { assignOffsets, type Lifetime } from './offsets.js'

/**
 * Order of a value's elements in memory. `first` is ONNX's own, row-major [N, C, ...spatial]; `last` is row-major
 * [N, ...spatial, C], in which the image kernels work.
 */
export type Layout = 'first' | 'last'

/** How a value lies in memory: its order, and the scale and zero point when it is held as int8 codes. */
export interface Form {
  readonly layout: Layout
  readonly coding: ActivationRange | undefined
}

/** One call of a kernel. */
export interface Step {
  /** Name of the node that it belongs to; empty for those that bring outputs into ONNX's order. */
  readonly node: string
  /** As assembly/README.md names it. */
  readonly kernel: string
  run(): void
}

/** Bytes of the arena that hold one value, or several that are views of each other. */
class Region implements Lifetime {
  readonly bytes: number
  /** Names of the values that lie here. */
  readonly names = new Set<string>()
  first = Infinity
  last = -1
  offset = -1
  readonly #arena: Arena

  constructor(bytes: number, arena: Arena) {
    this.bytes = bytes
    this.#arena = arena
  }

  get handle(): Handle {
    return this.#arena.handle
  }
}

/** A value of known shape at a place in linear memory. Its offset is known once the plan is finished. */
export class Operand implements Slot, Form {
  /** Dimensions in ONNX's order, whatever the layout. */
  readonly shape: readonly number[]
  readonly layout: Layout
  readonly coding: ActivationRange | undefined
  readonly place: Slot
  /** Of the real values, if it is held as codes. */
  readonly dtype: ElementType

  constructor(
    shape: readonly number[],
    { layout, coding }: Form,
    place: Slot,
    dtype: ElementType = 'float32',
  ) {
    this.dtype = dtype
    this.shape = shape
    this.layout = layout
    this.coding = coding
    this.place = place
  }

  get handle(): Handle {
    return this.place.handle
  }

  get offset(): number {
    return this.place.offset
  }

  get elements(): number {
    return elementCount(this.shape)
  }

  /** Whether both layouts are the same bytes: one channel, or one pixel. */
  get isFlat(): boolean {
    return (this.shape[1] ?? 1) === 1 || elementCount(this.shape.slice(2)) === 1
  }
}

/** The shape of a value as its bytes lie there. */
export function physicalShape(shape: readonly number[], layout: Layout): readonly number[] {
  return layout === 'last' && shape.length > 2 ? [shape[0]!, ...shape.slice(2), shape[1]!] : shape
}

/** The place of an axis of ONNX's order among those of `physicalShape`. */
export function physicalAxis(axis: number, rank: number, layout: Layout): number {
  if (layout === 'first' || rank <= 2 || axis === 0) return axis
  return axis === 1 ? rank - 1 : axis - 1
}

/** A class, because layers make these at every step of a sequence. */
class Shifted implements Slot {
  readonly #slot: Slot
  readonly #bytes: number

  constructor(slot: Slot, bytes: number) {
    this.#slot = slot
    this.#bytes = bytes
  }

  get handle(): Handle {
    return this.#slot.handle
  }

  get offset(): number {
    return this.#slot.offset + this.#bytes
  }
}

/** A place some bytes into another, whose own place may not be known yet. */
export function shifted(slot: Slot, bytes: number): Slot {
  return new Shifted(slot, bytes)
}

function sameCoding(a: ActivationRange | undefined, b: ActivationRange | undefined): boolean {
  return a === b || (a?.scale === b?.scale && a?.zeroPoint === b?.zeroPoint)
}

export interface PlanRequest {
  readonly arena: Arena
  /** The int8 codes that all readers of a value want. */
  readonly demands: ReadonlyMap<string, ActivationRange>
  /** The plan that this one goes on with, whose values are still there. */
  readonly previous?: Planner
}

export interface Plan {
  readonly steps: readonly Step[]
  /** Size of the arena that the steps need. */
  readonly bytes: number
  /** How many of the steps only bring a value into another layout or precision. */
  readonly conversions: number
}

/**
 * Collects the steps of one plan: layers ask for their inputs in the form that they need, place their outputs and
 * append calls. Time is counted in steps; a region lives from the step that first writes it to the one that last reads it.
 */
export class Planner {
  /** Type and shape of every value, and the elements of those that are known by now. */
  readonly types: Map<string, ValueType>
  readonly #request: PlanRequest
  readonly #steps: Step[] = []
  readonly #regions: Region[] = []
  /** Every form in which a value lies in memory; the first one is how its layer left it. */
  readonly #operands: Map<string, Operand[]>
  /** Reads of each value that are still to come, by nodes and as outputs. */
  readonly #pending: Map<string, number>
  /** What is to be freed with the plan. */
  readonly #owned: Owned[] = []
  #node: GraphNode | undefined
  #inlined: readonly LoadedNode[] | undefined
  #conversions = 0
  /** Whether the plan holds values of this run, and is of no use in another. */
  once = false

  constructor(request: PlanRequest) {
    const { previous } = request
    this.#request = request
    this.types = new Map(previous?.types)
    this.#operands = new Map(
      previous && [...previous.#operands].map(([name, forms]) => [name, [...forms]] as const),
    )
    this.#pending = new Map(previous && previous.#pending)
  }

  /** Announces that values will be read, once each. */
  expect(names: Iterable<string>): void {
    for (const name of names) this.#pending.set(name, (this.#pending.get(name) ?? 0) + 1)
  }

  /** Begins the steps of a node, whose reads are from now on no longer to come. */
  begin(node: GraphNode): void {
    this.#node = node
    for (const name of readsOf(node)) this.#pending.set(name, this.#pending.get(name)! - 1)
  }

  type(name: string): ValueType {
    const type = this.types.get(name)
    if (type === undefined) throw new Error(`internal: ${name} has no type`)
    return type
  }

  /** The elements of values. The plan pauses here if a run must give them first, and comes back when it did. */
  known(names: readonly string[]): Tensor[] {
    const unknown = names.filter((name) => this.type(name).value === undefined)
    if (unknown.length > 0) throw new UnknownValues(this.#node!, unknown)
    return names.map((name) => this.type(name).value!)
  }

  /** What a value is, that is known by now. */
  give(name: string, value: Tensor): void {
    const { dtype, shape, data } = value
    this.types.set(name, { dtype, shape, value })
    if (this.#operands.has(name) || data.length <= MAX_SHAPE_INPUT) return
    // What shapes hardly depend on goes on in memory, for kernels.
    this.types.set(name, { dtype, shape })
    const operand = this.create(name)
    this.step('copy', [], [operand], () => writeSlot(operand, data))
  }

  /** These nodes stand for the one at hand. */
  inline(nodes: readonly LoadedNode[]): void {
    for (const { node } of nodes) this.expect(readsOf(node))
    this.#inlined = nodes
  }

  /** What the last call of `inline` gave since this was last asked. */
  takeInlined(): readonly LoadedNode[] | undefined {
    const nodes = this.#inlined
    this.#inlined = undefined
    return nodes
  }

  /** Keeps packed weights as long as the plan. */
  own<T extends Owned>(packed: T): T {
    this.#owned.push(packed)
    return packed
  }

  dispose(): void {
    for (const packed of this.#owned) packed.dispose()
  }

  /** A node with the types of its inputs, as rules and evaluators see it. */
  call(node: GraphNode): Call {
    return new Call(node, node.inputs.map((name) => (name === '' ? undefined : this.type(name)))) // prettier-ignore
  }

  shape(name: string): readonly number[] {
    return this.type(name).shape
  }

  /** The int8 codes in which the readers of `name` want it; undefined: its real values. */
  demand(name: string): ActivationRange | undefined {
    return this.#request.demands.get(name)
  }

  /** A value as its layer left it. One that follows from the shapes alone is written by a step of its own. */
  value(name: string): Operand {
    const own = this.#operands.get(name)?.[0]
    if (own !== undefined) return own
    const known = this.types.get(name)?.value
    if (known === undefined) throw new Error(`internal: ${name} is read before it is made`)
    const operand = this.create(name)
    this.step('copy', [], [operand], () => writeSlot(operand, known.data))
    return operand
  }

  /** Whether a value lies there as real ones in a layout, without a step of its own. */
  lies(name: string, layout: Layout): boolean {
    const forms = this.#operands.get(name) ?? []
    return forms.some((form) => form.coding === undefined && (form.layout === layout || form.isFlat))
  }

  /** A value in a layout, coded or not as its layer left it. */
  inLayout(name: string, layout: Layout): Operand {
    return this.#inForm(name, { layout, coding: this.value(name).coding })
  }

  /** A value of any type, not as codes, in the layout that is asked for or its own. */
  decoded(name: string, layout: Layout = this.value(name).layout): Operand {
    return this.#inForm(name, { layout, coding: undefined })
  }

  /** A value of any type as ONNX has it. */
  plain(name: string): Operand {
    return this.decoded(name, 'first')
  }

  /** A value as float32, in the layout that is asked for or its own. */
  float(name: string, layout: Layout = this.value(name).layout): Operand {
    const own = this.value(name)
    if (own.dtype === 'float32') return this.decoded(name, layout)
    // Such as an exponent, which may be an integer.
    const to = this.temporary(own.shape)
    this.step('evaluate', [own], [to], () => {
      const numbers = viewSlot(to, 'float32', to.elements)
      const elements = viewSlot(own, own.dtype, own.elements)
      for (let i = 0; i < numbers.length; i++) numbers[i] = Number(elements[i])
    })
    return to
  }

  /** A value as int8 codes. */
  codes(name: string, coding: ActivationRange, layout: Layout = this.value(name).layout): Operand {
    return this.#inForm(name, { layout, coding })
  }

  /** A value in a form, by a step of its own for each property in which no form that lies there agrees. */
  #inForm(name: string, wanted: Form): Operand {
    const own = this.value(name)
    const alike = this.#operands.get(name)!.filter(({ coding }) => sameCoding(coding, wanted.coding))
    const found = alike.find(({ layout }) => layout === wanted.layout)
    if (found !== undefined) return found
    const twin = alike.find(({ isFlat }) => isFlat)
    if (twin !== undefined) return this.#add(name, new Operand(own.shape, wanted, twin.place, own.dtype))
    if (alike.length > 0) return this.#converted(name, alike[0]!, wanted)
    // Real values are turned rather than codes, for which the kernel is faster. From codes to codes the way leads through them.
    if (wanted.coding === undefined) {
      this.#converted(name, own, { layout: own.layout, coding: undefined })
      return this.#inForm(name, wanted)
    }
    return this.#converted(name, this.float(name, wanted.layout), wanted)
  }

  #converted(name: string, from: Operand, form: Form): Operand {
    const to = this.#add(name, this.#place(name, { dtype: from.dtype, shape: from.shape }, form))
    const { kernel, run } = convert(from, to)
    this.step(kernel, [from], [to], run)
    this.#conversions++
    return to
  }

  /** A new place for the output `name`. */
  create(name: string, layout: Layout = 'first', coding?: ActivationRange): Operand {
    return this.#add(name, this.#place(name, this.type(name), { layout, coding }))
  }

  /** The output `name` is the value `x` under its own shape: nothing is copied. */
  alias(name: string, x: Operand, layout: Layout = x.layout): Operand {
    if (x.place instanceof Region) x.place.names.add(name)
    return this.#add(name, new Operand(this.shape(name), { layout, coding: x.coding }, x.place, x.dtype))
  }

  /** A place for the output `name` of an element-wise step over `x`: that of `x` itself when nobody reads it later. */
  overwrite(name: string, x: Operand): Operand {
    const { place } = x
    const free = place instanceof Region && [...place.names].every((other) => !this.#pending.get(other))
    return free ? this.alias(name, x) : this.create(name, x.layout, x.coding)
  }

  /** A value that is resident already: a weight. */
  bind(name: string, x: Operand): void {
    this.#add(name, x)
  }

  /** Work space of the steps of a node. */
  temporary(shape: readonly number[]): Operand {
    return this.#place('', { dtype: 'float32', shape }, { layout: 'first', coding: undefined })
  }

  /** Appends a call that reads and writes the given values. */
  step(kernel: string, reads: readonly Operand[], writes: readonly Operand[], run: () => void): void {
    for (const { place } of [...reads, ...writes]) {
      if (!(place instanceof Region)) continue
      place.first = Math.min(place.first, this.#steps.length)
      place.last = Math.max(place.last, this.#steps.length)
    }
    this.#steps.push({ node: this.#node?.name ?? '', kernel, run })
  }

  /** A place for an input of the model, written before the first step. */
  input(name: string): Operand {
    const operand = this.create(name)
    if (operand.place instanceof Region) operand.place.first = -1
    return operand
  }

  /** The value of an output of the model, as ONNX has it, kept until after the last step. */
  output(name: string): Operand {
    this.#node = undefined
    const operand = this.plain(name)
    if (operand.place instanceof Region) operand.place.last = Infinity
    return operand
  }

  /** Assigns the offsets; no step may follow. What is read later stays in its place. */
  finish(): Plan {
    for (const region of this.#regions) {
      if ([...region.names].some((name) => this.#pending.get(name))) region.last = Infinity
    }
    const { offsets, bytes } = assignOffsets(this.#regions)
    this.#regions.forEach((region, i) => (region.offset = offsets[i]!))
    return { steps: this.#steps, bytes, conversions: this.#conversions }
  }

  #add(name: string, operand: Operand): Operand {
    const forms = this.#operands.get(name)
    if (forms === undefined) this.#operands.set(name, [operand])
    else forms.push(operand)
    return operand
  }

  #place(name: string, { dtype, shape }: ValueType, form: Form): Operand {
    const size = form.coding === undefined ? BYTES_PER_ELEMENT[dtype] : 1
    const region = new Region(elementCount(shape) * size, this.#request.arena)
    region.names.add(name)
    this.#regions.push(region)
    return new Operand(shape, form, region, dtype)
  }
}
