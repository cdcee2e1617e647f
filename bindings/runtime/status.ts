import { FormatError } from '../errors.js'

/** What kernels that read untrusted bytes return; mirrors assembly/common/status.ts. */
export const Status = {
  ok: 0,
  truncated: -1,
  corrupt: -2,
  overflow: -3,
  nonFinite: -4,
} as const

const MESSAGES: Record<number, [code: string, message: string]> = {
  [Status.truncated]: ['truncated', 'the data ends early'],
  [Status.corrupt]: ['corrupt', 'the data is not valid'],
  [Status.overflow]: ['overflow', 'the data decodes to more than was declared'],
}

/** Throws the FormatError that belongs to a negative kernel status; `offset` is where what was read begins. */
export function checkStatus(what: string, status: number, offset = -1): void {
  if (status >= 0) return
  const [code, message] = MESSAGES[status] ?? ['corrupt', `kernel status ${status}`]
  throw new FormatError(code, `${what}: ${message}`, offset)
}
