import { describe, expect, it } from 'vitest'
import { elementCount } from '../bindings/formats/tensor.js'
import type { GraphNode } from '../bindings/graph/model.js'
import { prepare } from '../bindings/graph/prepare.js'
import { loadModel } from '../bindings/infer/load.js'
import { readOnnx, writeOnnx } from '../bindings/io/onnx/index.js'
import '../bindings/embedded.js'
import { runOnnx } from './oracles/onnx.js'
import { floats, ints, makeModel, node, type GraphParts } from './support/models.js'
import { Random } from './support/random.js'

const random = new Random(9)
const values = (...shape: number[]) => floats(random.floats(elementCount(shape)), shape)
const scalar = (value: number) => floats([value], [])

/** Constants that patterns are made of. */
const numbers = {
  half: scalar(0.5),
  one: scalar(1),
  two: scalar(2),
  three: scalar(3),
  six: scalar(6),
  zero: scalar(0),
  sixth: scalar(1 / 6),
  root2: scalar(Math.SQRT2),
  rootHalf: scalar(Math.SQRT1_2),
  cubic: scalar(0.044715),
  rootPi: scalar(Math.sqrt(2 / Math.PI)),
  quick: scalar(1.702),
  epsilon: scalar(1e-5),
  minusHalf: scalar(-0.5),
  last: ints([-1]),
  lastTwo: ints([2, 1]),
  first: ints([0]),
  scale: values(8),
  shift: values(8),
  wide: values(5, 8),
}

/** `op:a,b>c` for each node, in order. */
function nodes(text: string): GraphNode[] {
  return text.split(' ').map((part) => {
    const [op = '', wires = ''] = part.split(':')
    const [inputs = '', output = ''] = wires.split('>')
    return node(op, `${inputs.replaceAll(',', ' ')} -> ${output}`)
  })
}

interface Case extends Partial<GraphParts> {
  readonly text: string
  /** Operators of the prepared model. */
  readonly becomes: string
}

const norm = (middle: string, end: string) =>
  `ReduceMean:x,last>m Sub:x,m>d ${middle} ReduceMean:s,last>v Add:v,epsilon>e ${end}`
const gelu = (end: string) => `Div:x,root2>u Erf:u>e Add:e,one>f ${end}`
const tanh = (end: string) => `Tanh:v>t Add:t,one>f Mul:x,f>g Mul:g,half>y ${end}`.trim()

const fused: Record<string, Case> = {
  'Gelu of PyTorch': { text: gelu('Mul:x,f>g Mul:g,half>y'), becomes: 'Gelu' },
  'Gelu, half first': { text: gelu('Mul:x,half>h Mul:h,f>y'), becomes: 'Gelu' },
  'Gelu, half in the bracket': { text: gelu('Mul:half,f>h Mul:h,x>y'), becomes: 'Gelu' },
  'Gelu by a product': {
    text: 'Mul:x,rootHalf>u Erf:u>e Add:one,e>f Mul:x,f>g Mul:g,half>y',
    becomes: 'Gelu',
  },
  'Gelu of a sum that nobody else reads': {
    text: `Add:x,shift>a ${gelu('Mul:a,f>g Mul:g,half>y').replace('Div:x', 'Div:a')}`,
    becomes: 'Add Gelu',
  },
  'Gelu, tanh': {
    text: `Pow:x,three>p Mul:cubic,p>q Add:x,q>r Mul:r,rootPi>v ${tanh('')}`,
    becomes: 'Gelu',
  },
  'Gelu, tanh, factored': {
    text: `Mul:x,x>p Mul:p,cubic>q Add:q,one>r Mul:x,rootPi>w Mul:w,r>v ${tanh('')}`,
    becomes: 'Gelu',
  },
  SiLU: { text: 'Sigmoid:x>s Mul:x,s>y', becomes: 'Swish' },
  'SiLU, then a product': { text: 'Sigmoid:x>s Mul:s,x>g Mul:g,scale>y', becomes: 'Swish Mul' },
  'Swish with a factor': { text: 'Mul:x,quick>u Sigmoid:u>s Mul:x,s>y', becomes: 'Swish' },
  'HardSwish by a clip': {
    text: 'Add:x,three>a Clip:a,zero,six>c Mul:x,c>g Div:g,six>y',
    becomes: 'HardSwish',
  },
  'HardSwish, divided first': {
    text: 'Add:x,three>a Clip:a,zero,six>c Div:c,six>g Mul:x,g>y',
    becomes: 'HardSwish',
  },
  'HardSwish by a product': {
    text: 'Add:x,three>a Clip:a,zero,six>c Mul:c,sixth>g Mul:x,g>y',
    becomes: 'HardSwish',
  },

  'LayerNormalization of PyTorch': {
    text: norm('Pow:d,two>s', 'Sqrt:e>r Div:d,r>n Mul:n,scale>w Add:w,shift>y'),
    becomes: 'LayerNormalization',
  },
  'LayerNormalization by Mul and Reciprocal': {
    text: norm('Mul:d,d>s', 'Sqrt:e>r Reciprocal:r>i Mul:d,i>n Mul:scale,n>w Add:shift,w>y'),
    becomes: 'LayerNormalization',
  },
  'LayerNormalization by a power': {
    text: norm('Mul:d,d>s', 'Pow:e,minusHalf>i Mul:i,d>n Mul:n,scale>y'),
    becomes: 'LayerNormalization',
  },
  'LayerNormalization with the mean subtracted twice': {
    text: norm('Sub:x,m>d2 Pow:d2,two>s', 'Sqrt:e>r Div:d,r>y'),
    becomes: 'LayerNormalization',
  },
  'LayerNormalization of two axes by their number': {
    text: norm('Pow:d,two>s', 'Sqrt:e>r Div:d,r>n Mul:n,scale>y').replaceAll('last', 'lastTwo'),
    becomes: 'LayerNormalization',
  },
  RMSNormalization: {
    text: 'Pow:x,two>s ReduceMean:s,last>v Add:v,epsilon>e Sqrt:e>r Div:x,r>n Mul:n,scale>y',
    becomes: 'RMSNormalization',
  },
  'RMSNormalization of LLaMA': {
    text: 'Pow:x,two>s ReduceMean:s,last>v Add:v,epsilon>e Sqrt:e>r Div:one,r>i Mul:x,i>n Mul:scale,n>y',
    becomes: 'RMSNormalization',
  },
  'RMSNormalization of a difference': {
    text: 'Sub:x,shift>d Mul:d,d>s ReduceMean:s,last>v Add:v,epsilon>e Sqrt:e>r Div:d,r>n Mul:n,scale>y',
    becomes: 'Sub RMSNormalization',
  },

  'a bias behind MatMul of rank 3': {
    text: 'MatMul:x,w>m Add:b,m>y',
    weights: { w: values(8, 6), b: values(6) },
    becomes: 'MatMul',
  },
}

const kept: Record<string, Case> = {
  'Gelu with a wrong factor': { text: gelu('Mul:x,f>g Mul:g,three>y'), becomes: 'Div Erf Add Mul Mul' },
  'Gelu of two values': {
    text: gelu('Mul:z,f>g Mul:g,half>y'),
    inputs: { x: [2, 5, 8], z: [2, 5, 8] },
    becomes: 'Div Erf Add Mul Mul',
  },
  'Gelu with a wrong argument': {
    text: gelu('Mul:x,f>g Mul:g,half>y').replace('root2', 'two'),
    becomes: 'Div Erf Add Mul Mul',
  },
  'Gelu whose middle is an output': {
    text: gelu('Mul:x,f>g Mul:g,half>y'),
    outputs: ['y', 'e'],
    becomes: 'Div Erf Add Mul Mul',
  },
  'Gelu whose middle somebody reads': {
    text: gelu('Mul:x,f>g Mul:g,half>h Add:h,u>y'),
    becomes: 'Div Erf Add Mul Mul Add',
  },
  'SiLU whose middle is an output': {
    text: 'Sigmoid:x>s Mul:x,s>y',
    outputs: ['y', 's'],
    becomes: 'Sigmoid Mul',
  },
  'a gate': { text: 'Sigmoid:z>s Mul:x,s>y', inputs: { x: [2, 5, 8], z: [2, 5, 8] }, becomes: 'Sigmoid Mul' },
  'HardSwish with other bounds': {
    text: 'Add:x,three>a Clip:a,one,six>c Mul:x,c>g Div:g,six>y',
    becomes: 'Add Clip Mul Div',
  },
  'a normalization over the first axis': {
    text: norm('Pow:d,two>s', 'Sqrt:e>r Div:d,r>y').replaceAll('last', 'first'),
    becomes: 'ReduceMean Sub Mul ReduceMean Add Sqrt Div',
  },
  'a normalization over different axes': {
    text: norm('Pow:d,two>s', 'Sqrt:e>r Div:d,r>y').replace('s,last', 's,first'),
    becomes: 'ReduceMean Sub Mul ReduceMean Add Sqrt Div',
  },
  'a normalization with cubes': {
    text: norm('Pow:d,three>s', 'Sqrt:e>r Div:d,r>y'),
    becomes: 'ReduceMean Sub Mul Mul ReduceMean Add Sqrt Div',
  },
  'a normalization of something else': {
    text: norm('Pow:d,two>s', 'Sqrt:e>r Div:x,r>y'),
    becomes: 'ReduceMean Sub Mul ReduceMean Add Sqrt Div',
  },
  'a normalization whose middle somebody reads': {
    text: norm('Pow:d,two>s', 'Sqrt:e>r Div:d,r>n Add:n,d>y'),
    becomes: 'ReduceMean Sub Mul ReduceMean Add Sqrt Div Add',
  },
  'a factor that makes the result larger': {
    text: norm('Pow:d,two>s', 'Sqrt:e>r Div:d,r>n Mul:n,wide>y'),
    inputs: { x: [2, 1, 8] },
    becomes: 'LayerNormalization Mul',
  },
}

describe.each([
  ['fuses', fused],
  ['does not fuse', kept],
] as const)('prepare %s', (_, cases) => {
  it.each(Object.entries(cases))('%s', (_, { text, becomes, ...parts }) => {
    const { inputs = { x: [2, 5, 8] }, outputs = ['y'] } = parts
    const weights = { ...numbers, ...parts.weights }
    const used = Object.entries(weights).filter(([name]) => RegExp(`[:,]${name}[,>]`).test(text))
    const model = makeModel({
      ...parts,
      inputs,
      outputs,
      nodes: nodes(text),
      weights: Object.fromEntries(used),
    })
    const prepared = prepare(model)
    expect(prepared.nodes.map(({ op }) => op).join(' ')).toBe(becomes)
    expect(prepare(prepared)).toEqual(prepared)
    const given = Object.fromEntries(
      Object.entries(inputs).map(([name, shape]) => [
        name,
        floats(new Random(3).floats(elementCount(shape as number[]), 2), shape as number[]),
      ]),
    )
    const expected = runOnnx(model, given)
    // As it is, and through a file that has what ONNX has.
    for (const form of [prepared, readOnnx(writeOnnx(prepared))]) {
      using session = loadModel(form)
      for (const [name, { data, shape }] of Object.entries(session.run(given))) {
        const wanted = expected.get(name)!
        expect(shape).toEqual(wanted.shape)
        data.forEach((v, i) => {
          if (Number.isNaN(v) && Number.isNaN(wanted.data[i])) return
          if (!(Math.abs(v - wanted.data[i]!) <= 4e-6 * (1 + Math.abs(wanted.data[i]!)))) {
            expect.fail(`${name}[${i}] is ${v}, not ${wanted.data[i]}`)
          }
        })
      }
    }
  })
})
