import { basename, resolve } from 'node:path'
import { compress } from '../../compress/index.js'
import {
  calibrationNeed,
  RECIPES,
  resolveRecipe,
  type Recipe,
  type RecipeName,
} from '../../compress/recipe.js'
import type { CompressionReport } from '../../compress/report.js'
import { CliError, naming, UsageError } from '../errors.js'
import { checkWritable, readBytes, writeFile } from '../files.js'
import { readImages, readLabelled, readModel, type Pixels } from '../inputs.js'
import { kilobytes, percent, percentOf, print, printTable, Progress, writeRows, type Row } from '../output.js'

export interface CompressCommand extends Pixels {
  readonly output: string
  readonly recipe: string
  readonly calibration?: string
  readonly samples: number
  readonly images?: string
  readonly labels?: string
  readonly seed: number
  readonly json?: string
}

export function compressCommand(path: string, options: CompressCommand): void {
  const { output, json, calibration, images, labels, seed } = options
  const recipe = recipeOf(options.recipe)
  if ((images === undefined) !== (labels === undefined)) {
    throw new UsageError('--images and --labels expected together: they are for measuring accuracy')
  }
  const needy = resolveRecipe(recipe).find((stage) => calibrationNeed(stage) !== undefined)
  if (needy !== undefined && calibration === undefined) {
    throw new UsageError(
      `--calibration is needed: stage "${needy.stage}" of the recipe ${calibrationNeed(needy)}; --recipe int8 does without`,
    )
  }
  if (resolve(output) === resolve(path)) throw new UsageError('--output expected another file than the model')
  checkWritable(output)
  if (json !== undefined) checkWritable(json)

  const began = performance.now()
  const { model, bytes } = readModel(path)
  const progress = new Progress()
  try {
    const { artifact, report } = naming(path, () =>
      compress(model, recipe, {
        seed,
        originalBytes: bytes,
        ...(calibration && { calibration: readImages(calibration, model, options, options.samples) }),
        ...(images && labels && { evaluate: readLabelled(images, labels, model, options) }),
        onProgress: ({ stage, layer, done, total }) => progress.update(`${stage} ${layer}`, done, total),
      }),
    )
    progress.stop()
    const seconds = Math.round(performance.now() - began) / 1000
    writeFile(output, artifact)
    writeRows(json, rowsOf(basename(path), options.recipe, report, seconds))
    printReport(report)
    print(
      `${output}: ${artifact.length} bytes, ${report.ratio.toFixed(1)} times smaller, in ${seconds.toFixed(1)} s`,
    )
  } finally {
    progress.stop()
  }
}

/** A named recipe, or one from a JSON file. */
function recipeOf(text: string): RecipeName | Recipe {
  if (Object.hasOwn(RECIPES, text)) return text as RecipeName
  if (!text.endsWith('.json')) {
    throw new UsageError(`--recipe expected ${Object.keys(RECIPES).join(', ')} or a .json file, got ${text}`)
  }
  const bytes = readBytes(text)
  const recipe = naming(text, () => JSON.parse(new TextDecoder().decode(bytes)) as Recipe)
  try {
    resolveRecipe(recipe)
  } catch (error) {
    throw new UsageError(`${text}: ${(error as Error).message}`, { cause: error })
  }
  if (typeof recipe === 'string') throw new CliError(`${text}: expected an array of stages`)
  return recipe
}

function rowsOf(model: string, recipe: string, report: CompressionReport, seconds: number): Row[] {
  const { bytesBefore, bytesAfter, ratio, outputError, evaluation } = report
  const row = (metric: string, before: number, after: number): Row => ({
    model,
    recipe,
    bytesBefore,
    bytesAfter,
    ratio,
    metric,
    before,
    after,
    seconds,
  })
  const rows: Row[] = []
  if (evaluation !== undefined) {
    const { accuracyBefore, accuracyAfter, agreement } = evaluation
    rows.push(row('accuracy', percentOf(accuracyBefore), percentOf(accuracyAfter)))
    rows.push(row('agreement', 100, percentOf(agreement)))
  }
  if (outputError !== undefined) rows.push(row('outputError', 0, outputError))
  return rows.length > 0 ? rows : [row('bytes', bytesBefore, bytesAfter)]
}

function printReport(report: CompressionReport): void {
  const error = (value: number | undefined): string => (value === undefined ? '-' : percent(value))
  printTable(
    ['layer', 'operator', 'shape', 'before', 'after', 'zeros', 'bits/weight', 'MACs', 'error'],
    [
      ...report.layers.map((layer) => [
        layer.name,
        layer.op,
        layer.shape.join('x'),
        kilobytes(layer.bytesBefore),
        kilobytes(layer.bytesAfter),
        percent(layer.sparsity, 1),
        layer.bitsPerWeight.toFixed(2),
        layer.macsAfter,
        error(layer.outputError),
      ]),
      [
        'total',
        '',
        '',
        kilobytes(report.bytesBefore),
        kilobytes(report.bytesAfter),
        percent(report.sparsity, 1),
        report.bitsPerWeight.toFixed(2),
        report.macsAfter,
        error(report.outputError),
      ],
    ],
  )
  const { evaluation } = report
  if (evaluation !== undefined) {
    const { accuracyBefore, accuracyAfter, agreement, count } = evaluation
    print(
      `accuracy ${percent(accuracyBefore)} -> ${percent(accuracyAfter)}, agreement ${percent(agreement)}, on ${count} images`,
    )
  }
}
