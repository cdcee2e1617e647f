#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import '../embedded.js'
import { compressCommand } from './commands/compress.js'
import { evaluateCommand } from './commands/evaluate.js'
import { exportCommand } from './commands/export.js'
import { inspectCommand } from './commands/inspect.js'
import { profileCommand } from './commands/profile.js'
import { runCommand } from './commands/run.js'
import { UsageError } from './errors.js'

const EXIT_CODES = `
Exit codes: 0 done; 1 a file or model that cannot be read, written or run; 2 a command that was typed wrong.`

function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number')
  return value
}

function positive(text: string): number {
  const value = number(text)
  if (!(value > 0)) throw new InvalidArgumentError('expected a number above 0')
  return value
}

function count(text: string): number {
  const value = number(text)
  if (!Number.isInteger(value) || value < 1 || value >= 2 ** 32) {
    throw new InvalidArgumentError('expected a positive integer')
  }
  return value
}

function seed(text: string): number {
  const value = number(text)
  if (!Number.isInteger(value) || value < 0 || value >= 2 ** 32) {
    throw new InvalidArgumentError('expected an integer in 0..4294967295')
  }
  return value
}

const json = (): Option => new Option('--json <file>', 'also write the result as an array of flat rows')
const mean = (): Option =>
  new Option('--mean <number>', 'pixels become (pixel / 255 - mean) / std').argParser(number).default(0)
const std = (): Option => new Option('--std <number>', 'see --mean').argParser(positive).default(1)

function program(): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    version: string
  }
  const root = new Command('mcompress')
    .description('Compress neural networks and run the compressed ones.')
    .version(version)
    .option('--debug', 'show the stack of an error')
    .addHelpText('after', EXIT_CODES)
    .showHelpAfterError('(--help shows how it is used)')
    .exitOverride()
  const command = (usage: string, description: string): Command =>
    root.command(usage).description(description).addHelpText('after', EXIT_CODES)

  command('compress <model>', 'compress an ONNX or TensorFlow.js model (model.json) into one file')
    .requiredOption('-o, --output <file>', 'the artifact to write')
    .option(
      '-r, --recipe <name>',
      'deep-compression, int8, int4, int8-static, or a .json file of stages',
      'deep-compression',
    )
    .option(
      '-c, --calibration <idx>',
      'IDX images (.gz too) from the training data; most recipes learn from them',
    )
    .addOption(
      new Option('-n, --samples <count>', 'calibration images to use').argParser(count).default(2000),
    )
    .option('--images <idx>', 'IDX images to measure accuracy on; they decide about nothing')
    .option('--labels <idx>', 'their labels')
    .addOption(mean())
    .addOption(std())
    .addOption(new Option('--seed <integer>', 'for what is chosen at random').argParser(seed).default(0))
    .addOption(json())
    .action(compressCommand)
  command('export <model>', 'write an artifact as ONNX, quantized where it is, for other runtimes')
    .requiredOption('-o, --output <file>', 'the .onnx file to write')
    .action(exportCommand)
  command('inspect <model>', 'show what is in an artifact or a model, without running it')
    .addOption(json())
    .action(inspectCommand)
  command('run <model>', 'run an artifact or a model once; outputs are printed as JSON')
    .requiredOption(
      '-i, --input <file...>',
      '.npy or .json (nested arrays); NAME=FILE where there are several inputs',
    )
    .option('-o, --output <file>', 'write outputs to a .json or .npy file')
    .action(runCommand)
  command('profile <model>', 'run a model several times and show where the time goes, node by node')
    .requiredOption('-i, --input <file...>', 'as for run')
    .addOption(new Option('--runs <count>', 'runs that are timed').argParser(count).default(20))
    .addOption(json())
    .action(profileCommand)
  command('evaluate <model>', 'measure accuracy on labelled images')
    .requiredOption('--images <idx>', 'IDX images, .gz too')
    .requiredOption('--labels <idx>', 'IDX labels, .gz too')
    .option('--reference <model>', 'also tell how often the model agrees with this one')
    .addOption(mean())
    .addOption(std())
    .addOption(json())
    .action(evaluateCommand)
  return root
}

function main(): number {
  const root = program()
  try {
    root.parse()
    return 0
  } catch (error) {
    // Commander has printed its message, or help or version, which are no errors.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const text = error instanceof Error ? error.message : String(error)
    const isDebug = root.opts<{ debug?: boolean }>().debug === true
    process.stderr.write(`mcompress: ${isDebug && error instanceof Error ? error.stack : text}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}

process.exitCode = main()
