import {
  attribute,
  floatAttribute,
  intAttribute,
  stringAttribute,
  stringsAttribute,
} from '../../graph/attributes.js'
import type { GraphNode, Weight } from '../../graph/model.js'
import { UnsupportedVariant, type LayerFactory, type Loader, type StoredForm } from '../loader.js'
import { packMatrix } from './matrix.js'
import { gruCell, lstmCell, rnnCell, type CellFactory } from './recurrent-cells.js'
import { placesOf, planDirection, type Direction } from './recurrent-steps.js'

/** The values of a constant input; undefined when it is absent. */
function constant(loader: Loader, node: GraphNode, position: number): Float32Array | undefined {
  const name = node.inputs[position]
  if (name === undefined || name === '') return undefined
  const weight = loader.take(name)
  if (weight === undefined) throw new UnsupportedVariant(`${node.op} with computed weights`)
  return loader.floats(weight)
}

/** Rows of a weight [directions, rows, columns], counted through the directions; int8 ones stay int8. */
function rowsOf(loader: Loader, weight: Weight, first: number, rows: number): Weight {
  const [, perDirection = 0, columns = 0] = weight.shape
  const shape = [rows, columns]
  const [from, to] = [first * columns, (first + rows) * columns]
  const isChannel = weight.kind === 'quantized' && weight.granularity.per === 'channel'
  if (weight.kind === 'quantized' && (isChannel || weight.granularity.per === 'tensor')) {
    const axis = weight.granularity.per === 'channel' ? weight.granularity.axis : -1
    const slice = (row: number) =>
      axis === 0 ? Math.floor(row / perDirection) : axis === 1 ? row % perDirection : 0
    if (axis < 2) {
      const rowNumbers = Array.from({ length: rows }, (_, i) => slice(first + i))
      return {
        ...weight,
        shape,
        data: weight.data.subarray(from, to),
        scale: Float32Array.from(rowNumbers, (i) => weight.scale[i]!),
        zeroPoint: Int8Array.from(rowNumbers, (i) => weight.zeroPoint[i]!),
        granularity: { per: 'channel', axis: 0 },
      }
    }
  }
  return { kind: 'dense', dtype: 'float32', shape, data: loader.floats(weight).subarray(from, to) }
}

/** The function of the candidate of a direction; that of an RNN may be another one. */
function activationOf(node: GraphNode, index: number, defaults: readonly string[]): string {
  const all = stringsAttribute(node, 'activations', [])
  const { length } = defaults
  const own = all.slice(index * length, (index + 1) * length).map((name) => name.toLowerCase())
  const names = all.length === 0 ? defaults : own
  const fits = defaults.every(
    (name, i) => names[i] === name || (node.op === 'RNN' && RNN_FUNCTIONS.includes(names[i]!)),
  )
  const isScaled = ['activation_alpha', 'activation_beta'].some(
    (name) => String(attribute(node, name) ?? '') !== '',
  )
  if (!fits || isScaled) throw new UnsupportedVariant(`${node.op} with activations ${all.join(', ')}`)
  return names.at(-1)!
}

const RNN_FUNCTIONS = ['relu', 'sigmoid']

function recurrentLayer(gates: number, activations: readonly string[], cellOf: CellFactory): LayerFactory {
  return (node, loader) => {
    const [w, r] = [loader.take(node.inputs[1]), loader.take(node.inputs[2])]
    if (w === undefined || r === undefined) throw new UnsupportedVariant(`${node.op} with computed weights`)
    const [bias, p] = [constant(loader, node, 3), constant(loader, node, 7)]
    const lengths = lengthsOf(node, loader)
    const hidden = r.shape[2] ?? 0
    const columns = gates * hidden
    const direction = stringAttribute(node, 'direction', 'forward')
    const clip = floatAttribute(node, 'clip', Infinity)
    const options = {
      hidden,
      clip: clip > 0 ? clip : Infinity,
      coupled: intAttribute(node, 'input_forget', 0) !== 0,
    }
    const pack = (weight: Weight, index: number, half: number, first: number, rows: number) =>
      packMatrix(loader, {
        weight: rowsOf(loader, weight, index * columns + first, rows),
        n: rows,
        k: weight.shape[2] ?? 0,
        layout: 'nk',
        bias: bias?.subarray((2 * index + half) * columns + first).subarray(0, rows),
      })
    let stored: StoredForm = 'none'
    const directions = Array.from(
      { length: direction === 'bidirectional' ? 2 : 1 },
      (_, index): Direction => {
        const matrix = pack(w, index, 0, 0, columns)
        stored = matrix.stored ?? stored
        const ownPeepholes = p?.subarray(index * 3 * hidden, (index + 1) * 3 * hidden)
        return {
          index,
          reverse: direction === 'reverse' || index === 1,
          hidden,
          columns,
          product: matrix.product!,
          cell: cellOf({
            node,
            options,
            peepholes: ownPeepholes && loader.resident([3 * hidden], ownPeepholes),
            activation: activationOf(node, index, activations),
            recurrent: (first, rows) => pack(r, index, 1, first, rows).product!,
          }),
        }
      },
    )
    return {
      stored,
      plan(planner) {
        const places = placesOf(planner, node)
        for (const part of directions) planDirection(planner, part, places, lengths)
      },
    }
  }
}

export const lstm = recurrentLayer(4, ['sigmoid', 'tanh', 'tanh'], lstmCell)
export const gru = recurrentLayer(3, ['sigmoid', 'tanh'], gruCell)
export const rnn = recurrentLayer(1, ['tanh'], rnnCell)

function lengthsOf(node: GraphNode, loader: Loader): readonly number[] | undefined {
  const name = node.inputs[4]
  if (name === undefined || name === '') return undefined
  const weight = loader.take(name)
  if (weight?.kind !== 'dense') throw new UnsupportedVariant(`${node.op} with computed sequence_lens`)
  return Array.from(weight.data, Number)
}
