import { f32Conv, packF32Conv } from '../bindings/ops/conv.js'
import { packInt8Conv, qs8Conv } from '../bindings/ops/qs8-conv.js'
import { writeSlot, type Slot } from '../bindings/ops/slot.js'
import { Handle } from '../bindings/runtime/handle.js'
import type { Runtime } from '../bindings/runtime/runtime.js'
import { convolveF32, convolveInteger, outputSize, type ConvCase } from '../tests/oracles/window.js'
import { Random } from '../tests/support/random.js'
import type { BenchCase, Prepared } from './harness.js'

/** A square layer with one stride and one padding all round. */
function layer(
  size: number,
  channels: number,
  kernel: number,
  outChannels: number,
  { stride = 1, pad = 0, group = 1, batch = 1 } = {},
): ConvCase {
  return {
    input: [batch, size, size, channels],
    kernel: [kernel, kernel],
    strides: [stride, stride],
    pads: [pad, pad, pad, pad],
    dilations: [1, 1],
    outChannels,
    group,
  }
}

const LAYERS: [name: string, layer: ConvCase][] = [
  ['LeNet-5 conv1 28x28x1 5x5x20', layer(28, 1, 5, 20)],
  ['LeNet-5 conv2 12x12x20 5x5x50', layer(12, 20, 5, 50)],
  ['ResNet 56x56x64 3x3x64', layer(56, 64, 3, 64, { pad: 1 })],
  ['ResNet 14x14x256 3x3x256', layer(14, 256, 3, 256, { pad: 1 })],
  ['ResNet 224x224x3 7x7x64 stride 2', layer(224, 3, 7, 64, { stride: 2, pad: 3 })],
  ['MobileNet 56x56x128 1x1x128', layer(56, 128, 1, 128)],
  ['MobileNet 112x112x32 depthwise 3x3', layer(112, 32, 3, 32, { pad: 1, group: 32 })],
  ['MobileNet 56x56x128 depthwise 3x3 stride 2', layer(56, 128, 3, 128, { stride: 2, pad: 1, group: 128 })],
  ['MobileNet 14x14x512 depthwise 3x3', layer(14, 512, 3, 512, { pad: 1, group: 512 })],
]

const CHECKED_LINES = 2

/** The same layer on as many rows of one image as decide the first lines of its result. */
function cut(c: ConvCase): { top: ConvCase; inputs: number; outputs: number } {
  const rows = Math.min(c.input[1], (CHECKED_LINES - 1) * c.strides[0] + c.kernel[0] - c.pads[0])
  const top: ConvCase = {
    ...c,
    input: [1, rows, c.input[2], c.input[3]],
    pads: [c.pads[0], c.pads[1], 0, c.pads[3]],
  }
  const [height, width] = outputSize(top)
  return { top, inputs: rows * c.input[2] * c.input[3], outputs: height * width * c.outChannels }
}

function slot(runtime: Runtime, bytes: number): Slot {
  return { handle: new Handle(runtime, bytes), offset: 0 }
}

function sizes(c: ConvCase): { inputs: number; weights: number; outputs: number; macs: number } {
  const [height, width] = outputSize(c)
  const depth = (c.input[3] / c.group) * c.kernel[0] * c.kernel[1]
  const outputs = c.input[0] * height * width * c.outChannels
  return {
    inputs: c.input.reduce((product, size) => product * size, 1),
    weights: c.outChannels * depth,
    outputs,
    macs: outputs * depth,
  }
}

function geometry(c: ConvCase) {
  const { outChannels, kernel, strides, pads, dilations, group } = c
  return { shape: [outChannels, c.input[3] / group, ...kernel], strides, pads, dilations, group }
}

function prepareF32(c: ConvCase, runtime: Runtime): Prepared {
  const { inputs, weights: count, outputs } = sizes(c)
  const random = new Random(1)
  const x = random.floats(inputs)
  const data = random.floats(count)
  const bias = random.floats(c.outChannels)
  const weights = packF32Conv(runtime, { data, bias, ...geometry(c) })
  const from = slot(runtime, inputs * 4)
  const to = slot(runtime, outputs * 4)
  writeSlot(from, x)
  return {
    run: () => f32Conv(weights, from, c.input, to),
    exact: () => {
      const { top, inputs, outputs } = cut(c)
      const start = to.handle.pointer / 4
      const got = runtime.memory.f32.subarray(start, start + outputs)
      return convolveF32(top, x.subarray(0, inputs), data, bias).every((v, i) => v === got[i])
    },
    dispose: () => [weights, from.handle, to.handle].forEach((handle) => handle.dispose()),
  }
}

function prepareInt8(c: ConvCase, runtime: Runtime): Prepared {
  const { inputs, weights: count, outputs } = sizes(c)
  const random = new Random(1)
  const x = random.int8s(inputs)
  const data = random.int8s(count)
  const weights = packInt8Conv(runtime, { data, scale: Float32Array.of(1), ...geometry(c) })
  const from = slot(runtime, inputs)
  const to = slot(runtime, outputs * 4)
  writeSlot(from, x)
  const options = { inputScale: 1, inputZeroPoint: 3, output: { kind: 'f32' } } as const
  return {
    run: () => qs8Conv(weights, from, c.input, to, options),
    exact: () => {
      const { top, inputs, outputs } = cut(c)
      const start = to.handle.pointer / 4
      const got = runtime.memory.f32.subarray(start, start + outputs)
      return convolveInteger(top, x.subarray(0, inputs), 3, data).every((v, i) => Math.fround(v) === got[i])
    },
    dispose: () => [weights, from.handle, to.handle].forEach((handle) => handle.dispose()),
  }
}

export const cases: BenchCase[] = LAYERS.flatMap(([shape, c]): BenchCase[] => {
  const work = 2 * sizes(c).macs
  const stem = c.group > 1 ? 'dwconv' : 'conv'
  return [
    {
      kernel: `f32_${stem}`,
      shape,
      unit: 'GFLOP/s',
      work,
      peak: 'f32',
      prepare: (runtime) => prepareF32(c, runtime),
    },
    {
      kernel: `qs8_${stem}`,
      shape,
      unit: 'GOP/s',
      work,
      peak: 'int8',
      prepare: (runtime) => prepareInt8(c, runtime),
    },
  ]
})
