import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { MAX_MEMORY_BYTES } from '../limits.js'
import { CliError } from './errors.js'

/** What a file system error means to a person. */
const CAUSES: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is not a folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left',
}

function causeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return CAUSES[code ?? ''] ?? message
}

/** The bytes of a file, unpacked if its name ends in .gz. */
export function readBytes(path: string): Uint8Array {
  let bytes: Uint8Array
  try {
    bytes = readFileSync(path)
  } catch (error) {
    throw new CliError(`cannot read ${path}: ${causeOf(error)}`, { cause: error })
  }
  if (!path.endsWith('.gz')) return bytes
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_MEMORY_BYTES })
  } catch (error) {
    throw new CliError(`cannot unpack ${path}: ${causeOf(error)}`, { cause: error })
  }
}

/** Fails now where writing would fail at the end of a long run. */
export function checkWritable(path: string): void {
  const folder = dirname(resolve(path))
  try {
    if (!statSync(folder).isDirectory()) throw Object.assign(new Error(), { code: 'ENOTDIR' })
    accessSync(folder, constants.W_OK)
  } catch (error) {
    throw new CliError(`cannot write ${path}: ${causeOf(error)}`, { cause: error })
  }
}

/** While a file is written these do not end the process, which would leave the temporary file behind. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const passOver = (): void => {}

/** Writes a file under a temporary name in the same folder and renames it: either all of it is there or nothing. */
export function writeFile(path: string, data: Uint8Array | string): void {
  const temporary = join(dirname(resolve(path)), `.${basename(path)}.${process.pid}.tmp`)
  SIGNALS.forEach((signal) => process.on(signal, passOver))
  try {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data
    const file = openSync(temporary, 'wx')
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw new CliError(`cannot write ${path}: ${causeOf(error)}`, { cause: error })
  } finally {
    SIGNALS.forEach((signal) => process.off(signal, passOver))
  }
}
