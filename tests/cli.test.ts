import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import '../bindings/embedded.js'
import { readArtifact, writeArtifact } from '../bindings/io/artifact/index.js'
import { readOnnx } from '../bindings/io/onnx/index.js'
import { readNpy, writeNpy } from '../bindings/io/npy.js'
import { runOnnx } from './oracles/onnx.js'
import { floats, makeModel, node } from './support/models.js'
import { Random } from './support/random.js'

const folder = mkdtempSync(join(tmpdir(), 'mcompress-cli-'))
const at = (name: string): string => join(folder, name)

interface Outcome {
  code: number
  out: string
  err: string
}

/** Runs the built command in the folder. */
function cli(...args: string[]): Promise<Outcome> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      [join(process.cwd(), 'dist/cli/main.js'), ...args],
      { cwd: folder },
      (error, out, err) => {
        done({ code: typeof error?.code === 'number' ? error.code : 0, out, err })
      },
    )
  })
}

function idx(shape: number[], data: Uint8Array): Uint8Array {
  const header = new DataView(new ArrayBuffer(4 + 4 * shape.length))
  header.setUint32(0, 0x0800 + shape.length)
  shape.forEach((size, i) => header.setUint32(4 + 4 * i, size))
  return Buffer.concat([new Uint8Array(header.buffer), data])
}

const random = new Random(11)
/** Images of 6 x 6 through two layers into four classes. */
const model = makeModel({
  inputs: { image: ['N', 1, 6, 6] },
  nodes: [
    node('Flatten', 'image -> f'),
    node('Gemm', 'f w1 b1 -> h'),
    node('Relu', 'h -> r'),
    node('Gemm', 'r w2 b2 -> scores', { transB: 1 }),
  ],
  outputs: ['scores'],
  weights: {
    w1: floats(random.floats(36 * 20), [36, 20]),
    b1: floats(random.floats(20)),
    w2: floats(random.floats(20 * 4), [4, 20]),
    b2: floats(random.floats(4)),
  },
})
const COUNT = 120
const pixels = random.bytes(COUNT * 36)
const inputs = Float32Array.from(pixels, (pixel) => pixel / 255)
const scores = runOnnx(model, { image: { shape: [COUNT, 1, 6, 6], data: inputs } }).get('scores')!.data
const labels = Uint8Array.from({ length: COUNT }, (_, i) => {
  const row = scores.slice(i * 4, i * 4 + 4)
  return row.indexOf(Math.max(...row))
})
/** For `compress`: which reads artifacts as well as ONNX. */
const plain = writeArtifact(model).bytes

beforeAll(() => {
  writeFileSync(at('plain.safetensors'), plain)
  writeFileSync(at('images'), idx([COUNT, 6, 6], pixels))
  writeFileSync(at('images.gz'), gzipSync(readFileSync(at('images'))))
  writeFileSync(at('labels'), idx([COUNT], labels))
  writeFileSync(at('few-labels'), idx([COUNT - 1], labels.subarray(1)))
  writeFileSync(at('small-images'), idx([4, 5, 5], new Uint8Array(100)))
})
afterAll(() => rmSync(folder, { recursive: true }))

const onnx = join(process.cwd(), 'examples/models/lenet-300-100.onnx')
const rows = (name: string): Record<string, unknown>[] =>
  JSON.parse(readFileSync(at(name), 'utf8')) as Record<string, unknown>[]
const compress = ['compress', 'plain.safetensors', '-c', 'images']

describe('mcompress', () => {
  it('compresses, inspects, runs and evaluates', async () => {
    const measured = ['--images', 'images.gz', '--labels', 'labels']
    const made = await cli(...compress, '-o', 'small.safetensors', ...measured, '--json', 'compress.json')
    expect(made).toMatchObject({ code: 0, err: '' })
    const bytes = readFileSync(at('small.safetensors'))
    expect(made.out).toContain(`small.safetensors: ${bytes.length} bytes`)
    const [accuracy, agreement, outputError] = rows('compress.json')
    expect(accuracy).toMatchObject({
      model: 'plain.safetensors',
      recipe: 'deep-compression',
      bytesBefore: plain.length,
      bytesAfter: bytes.length,
      ratio: plain.length / bytes.length,
      metric: 'accuracy',
      before: 100,
    })
    expect(agreement).toMatchObject({ metric: 'agreement', before: 100, after: accuracy!['after'] })
    expect(accuracy!['after']).toBeGreaterThan(85)
    expect(outputError).toMatchObject({ metric: 'outputError', before: 0 })
    expect(readArtifact(bytes).nodes.map(({ op }) => op)).toEqual(['Flatten', 'Gemm', 'Gemm'])

    const shown = await cli('inspect', 'small.safetensors', '--json', 'inspect.json')
    expect(shown).toMatchObject({ code: 0, err: '' })
    expect(shown.out).toContain('image float32[N, 1, 6, 6] -> Flatten Gemm Gemm -> scores')
    expect(rows('inspect.json').map(({ tensor }) => tensor)).toEqual(['w1', 'b1', 'w2', 'b2'])

    const exported = await cli('export', 'small.safetensors', '-o', 'small.onnx')
    expect(exported).toMatchObject({ code: 0, err: '' })
    const codebooks = readOnnx(readFileSync(at('small.onnx')), { optimize: false })
    expect(codebooks.nodes.map(({ op }) => op).filter((op) => op === 'Gather').length).toBe(2)

    const judged = await cli(
      ...['evaluate', 'small.safetensors', '--images', 'images', '--labels', 'labels'],
      ...['--reference', 'plain.safetensors', '--json', 'evaluate.json'],
    )
    expect(judged).toMatchObject({ code: 0, err: '' })
    const { accuracy: found, agreement: agreed, count } = rows('evaluate.json')[0]!
    expect([found, agreed, count]).toEqual([accuracy!['after'], accuracy!['after'], COUNT])

    writeFileSync(at('x.npy'), writeNpy(floats(inputs.subarray(0, 72), [2, 1, 6, 6])))
    const ran = await cli('run', 'plain.safetensors', '-i', 'x.npy')
    expect(ran).toMatchObject({ code: 0, err: '' })
    const printed = JSON.parse(ran.out) as { scores: { shape: number[]; data: number[] } }
    expect(printed.scores.shape).toEqual([2, 4])
    printed.scores.data.forEach((value, i) => expect(value).toBeCloseTo(scores[i]!, 4))
    const profiled = await cli(
      'profile',
      'plain.safetensors',
      '-i',
      'x.npy',
      '--runs',
      '2',
      '--json',
      'p.json',
    )
    expect(profiled).toMatchObject({ code: 0, err: '' })
    expect(profiled.out).toContain('of activations')
    expect(rows('p.json').map(({ op, macs }) => [op, macs])).toEqual([
      ['Gemm', 2 * 36 * 20],
      ['Relu', 0],
      ['Gemm', 2 * 20 * 4],
    ])
    const line = (y: number): number[] => [...inputs.subarray(y * 6, y * 6 + 6)]
    writeFileSync(at('x.json'), JSON.stringify([[[0, 1, 2, 3, 4, 5].map(line)]]))
    expect(await cli('run', 'plain.safetensors', '-i', 'image=x.json', '-o', 'y.npy')).toMatchObject({
      code: 0,
    })
    expect([...readNpy(readFileSync(at('y.npy'))).data]).toEqual(
      printed.scores.data.slice(0, 4).map(Math.fround),
    )
  })

  it('compresses ONNX without calibration, and with a recipe of stages', async () => {
    const recipe = [
      { stage: 'prune', method: 'magnitude', sparsity: 0.5 },
      { stage: 'quantize' },
      { stage: 'code' },
    ]
    writeFileSync(at('recipe.json'), JSON.stringify(recipe))
    const [plain, own] = await Promise.all([
      cli('compress', onnx, '-r', 'int8', '-o', 'int8.safetensors', '--json', 'int8.json'),
      cli('compress', onnx, '-r', 'recipe.json', '-o', 'own.safetensors', '--json', 'own.json'),
    ])
    expect([plain.code, own.code, plain.err, own.err]).toEqual([0, 0, '', ''])
    const [int8, half] = [rows('int8.json')[0]!, rows('own.json')[0]!]
    expect(int8).toMatchObject({ model: 'lenet-300-100.onnx', recipe: 'int8', bytesBefore: 1067211 })
    expect(int8['ratio']).toBeGreaterThan(4)
    expect(half['ratio']).toBeGreaterThan(int8['ratio'] as number)
  })

  it('writes the same bytes for the same seed', async () => {
    await Promise.all(['a', 'b'].map((name) => cli(...compress, '--seed', '3', '-o', name)))
    expect(readFileSync(at('a'))).toEqual(readFileSync(at('b')))
  })

  it.each<[string, string[], number, RegExp]>([
    ['no command', [], 2, /Usage: mcompress/],
    ['an unknown command', ['shrink'], 2, /unknown command 'shrink'/],
    ['an unknown option', [...compress, '-o', 'x', '--fast'], 2, /unknown option '--fast'/],
    ['no output', compress, 2, /required option '-o, --output <file>'/],
    [
      'an unknown recipe',
      [...compress, '-o', 'x', '-r', 'int3'],
      2,
      /--recipe expected deep-compression, int8/,
    ],
    [
      'a wrong recipe',
      [...compress, '-o', 'x', '-r', 'bad-recipe.json'],
      2,
      /bad-recipe.json: "recipe\[0\].bits"/,
    ],
    ['a recipe that is no JSON', [...compress, '-o', 'x', '-r', 'no.json'], 1, /no.json: /],
    ['a fractional seed', [...compress, '-o', 'x', '--seed', '1.5'], 2, /--seed.*expected an integer/],
    ['no samples', [...compress, '-o', 'x', '-n', '0'], 2, /--samples.*expected a positive integer/],
    [
      'no calibration',
      ['compress', 'plain.safetensors', '-o', 'x'],
      2,
      /--calibration is needed: stage "prune"/,
    ],
    ['images without labels', [...compress, '-o', 'x', '--images', 'images'], 2, /--images and --labels/],
    ['the model as output', [...compress, '-o', 'plain.safetensors'], 2, /another file than the model/],
    ['a missing model', ['inspect', 'nothing.onnx'], 1, /^mcompress: cannot read nothing.onnx: no such file/],
    ['a folder for a model', ['inspect', '.'], 1, /cannot read \.: it is a folder/],
    [
      'an output in no folder',
      [...compress, '-o', 'no/where/x'],
      1,
      /cannot write no\/where\/x: no such file/,
    ],
    [
      'an output below a file',
      [...compress, '-o', 'images/x'],
      1,
      /cannot write images\/x: a part of its path/,
    ],
    ['a table in no folder', ['inspect', onnx, '--json', 'no/x'], 1, /cannot write no\/x/],
    ['half an ONNX file', ['compress', 'half.onnx', '-r', 'int8', '-o', 'x'], 1, /half\.onnx: .+/],
    ['an empty file', ['inspect', 'empty'], 1, /empty: .+/],
    ['a flipped byte', ['inspect', 'flipped.safetensors'], 1, /flipped\.safetensors: .*damaged/],
    ['data that is cut off', ['run', 'cut.safetensors', '-i', 'x.json'], 1, /cut\.safetensors: .+/],
    [
      'images that are none',
      [...compress.slice(0, 3), 'labels', '-o', 'x'],
      1,
      /"calibration.shape" expected/,
    ],
    [
      'images of another size',
      [...compress.slice(0, 3), 'small-images', '-o', 'x'],
      1,
      /"calibration.shape" expected/,
    ],
    ['a .gz that is none', [...compress.slice(0, 3), 'fake.gz', '-o', 'x'], 1, /cannot unpack fake.gz/],
    [
      'labels of another number',
      ['evaluate', 'plain.safetensors', '--images', 'images', '--labels', 'few-labels'],
      1,
      /few-labels: expected 120 labels, one for each image of images, got \[119\]/,
    ],
    [
      'an input of another shape',
      ['run', 'plain.safetensors', '-i', 'ragged.json'],
      1,
      /ragged.json: expected numbers/,
    ],
    [
      'an input without a file',
      ['run', 'plain.safetensors', '-i', 'image=none.npy'],
      1,
      /cannot read none.npy/,
    ],
    [
      'an output of unknown kind',
      ['run', 'plain.safetensors', '-i', 'x', '-o', 'y.txt'],
      2,
      /a .json or .npy file/,
    ],
  ])('refuses %s with a message and a code', async (_, args, code, message) => {
    writeFileSync(at('bad-recipe.json'), '[{ "stage": "share", "bits": 12 }]')
    writeFileSync(at('no.json'), '{')
    writeFileSync(at('half.onnx'), readFileSync(onnx).subarray(0, 533_000))
    writeFileSync(at('empty'), '')
    writeFileSync(at('fake.gz'), 'not packed')
    writeFileSync(at('ragged.json'), '[[1, 2], [3]]')
    const flipped = plain.slice()
    flipped[200]! ^= 1
    writeFileSync(at('flipped.safetensors'), flipped)
    writeFileSync(at('cut.safetensors'), plain.subarray(0, plain.length - 100))
    const before = readdirSync(folder)
    const result = await cli(...args)
    expect(result.err).toMatch(message)
    expect(result.err).not.toMatch(/^\s+at /m)
    expect(result.code).toBe(code)
    expect(readdirSync(folder)).toEqual(before)
    expect(existsSync(at('x'))).toBe(false)
  })

  it('shows the stack of an error only with --debug', async () => {
    const { err, code } = await cli('--debug', 'inspect', 'nothing.onnx')
    expect(code).toBe(1)
    expect(err).toMatch(/^\s+at /m)
  })

  it.each([['--help'], ['--version'], ['compress', '--help']])('%s %s is no error', async (...args) => {
    const { code, out } = await cli(...args.filter(Boolean))
    expect(code).toBe(0)
    expect(out).toMatch(args[0] === '--version' ? /^\d+\.\d+\.\d+\n$/ : /Exit codes: 0 /)
  })

  it('leaves nothing behind when it is stopped', async () => {
    writeFileSync(at('digits'), idx([3000, 28, 28], random.bytes(3000 * 784)))
    const before = readdirSync(folder)
    const script = join(process.cwd(), 'dist/cli/main.js')
    const args = [script, 'compress', onnx, '-c', 'digits', '-n', '3000', '-o', 'stopped.safetensors']
    const child = execFile(process.execPath, args, { cwd: folder })
    const ended = new Promise((done) => child.once('exit', (_, signal) => done(signal)))
    await new Promise((done) => setTimeout(done, 700))
    child.kill('SIGTERM')
    expect(await ended).toBe('SIGTERM')
    expect(readdirSync(folder)).toEqual(before)
  })
})
