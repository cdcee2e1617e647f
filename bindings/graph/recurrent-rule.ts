import { intAttribute, stringAttribute } from './attributes.js'
import type { Call } from './call.js'
import type { Rule } from './operators.js'

const DIRECTIONS = ['forward', 'reverse', 'bidirectional']

/**
 * LSTM, GRU and RNN: X [seq, batch, input], or [batch, seq, input] with layout 1, W [directions, gates * hidden, input],
 * R [directions, gates * hidden, hidden].
 */
export function recurrent(gates: number): Rule {
  return (call) => {
    const { node } = call
    const [x, w, r] = [call.input(0), call.input(1), call.input(2)]
    const direction = stringAttribute(node, 'direction', 'forward')
    if (!DIRECTIONS.includes(direction)) call.fail(`direction ${JSON.stringify(direction)} is not defined`)
    const directions = direction === 'bidirectional' ? 2 : 1
    call.expectShape('X', x, [null, null, null])
    call.expectShape('R', r, [null, null, null])
    const hidden = intAttribute(node, 'hidden_size', r.shape[2])
    const batchFirst = isBatchFirst(call)
    const [steps, batch] = batchFirst ? [x.shape[1]!, x.shape[0]!] : [x.shape[0]!, x.shape[1]!]
    call.expectShape('W', w, [directions, gates * hidden, x.shape[2]!])
    call.expectShape('R', r, [directions, gates * hidden, hidden])
    const state = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    const optional = [
      ['B', 3, [directions, 2 * gates * hidden]],
      ['sequence_lens', 4, [batch]],
      ['initial_h', 5, state],
      ['initial_c', 6, state],
      ['P', 7, [directions, 3 * hidden]],
    ] as const
    for (const [name, position, shape] of optional) {
      const type = call.optional(position)
      if (type !== undefined) call.expectShape(name, type, shape)
    }
    const { dtype } = x
    const y = batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden]
    const states = { dtype, shape: state }
    return [{ dtype, shape: y }, states, states]
  }
}

function isBatchFirst(call: Call): boolean {
  const layout = intAttribute(call.node, 'layout', 0)
  if (layout !== 0 && layout !== 1) call.fail(`layout ${layout} is not defined`)
  return layout === 1
}
