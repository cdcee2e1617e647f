/** Corrupt or foreign data: `code` names the kind of damage, `offset` the byte where it was noticed (-1: unknown). */
export class FormatError extends Error {
  override readonly name = 'FormatError'
  readonly code: string
  readonly offset: number

  constructor(code: string, message: string, offset = -1) {
    super(message)
    this.code = code
    this.offset = offset
  }
}

/** A model needs operators that are not implemented; `operators` lists every one of them with its nodes. */
export class UnsupportedOpError extends Error {
  override readonly name = 'UnsupportedOpError'
  readonly operators: readonly { readonly op: string; readonly nodes: readonly string[] }[]

  constructor(operators: readonly { readonly op: string; readonly nodes: readonly string[] }[]) {
    const list = operators.map(({ op, nodes }) => `${op} (${nodes.join(', ')})`).join('; ')
    super(`unsupported operators: ${list}`)
    this.operators = operators
  }
}

/** A stated limit on memory or size would be passed; both figures are in bytes. */
export class CapacityError extends Error {
  override readonly name = 'CapacityError'
  readonly asked: number
  readonly available: number

  constructor(what: string, asked: number, available: number) {
    super(`${what} needs ${asked} bytes, ${available} are available`)
    this.asked = asked
    this.available = available
  }
}

/** A handle, session or runtime was used after `dispose()`. */
export class DisposedError extends Error {
  override readonly name = 'DisposedError'

  constructor(what: string) {
    super(`${what} has been disposed`)
  }
}
