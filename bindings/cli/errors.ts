import { FormatError } from '../errors.js'

/** Something outside went wrong: a file, its contents, a model that is not supported. Exit code 1. */
export class CliError extends Error {
  override readonly name: string = 'CliError'
}

/** The command was typed wrong. Exit code 2. */
export class UsageError extends CliError {
  override readonly name = 'UsageError'
}

/** Runs a step that reads `path`; what it throws names the file, and the byte if that is known. */
export function naming<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof CliError || !(error instanceof Error)) throw error
    const where = error instanceof FormatError && error.offset >= 0 ? ` (at byte ${error.offset})` : ''
    throw new CliError(`${path}: ${error.message}${where}`, { cause: error })
  }
}
