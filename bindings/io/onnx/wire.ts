import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import { FormatError } from '../../errors.js'
import { MAX_PROTO_OBJECTS } from '../../limits.js'

/** Reads one field of a message; false when the field is not of interest, which skips it. */
export type FieldVisitor = (field: number) => boolean

/**
 * Pulls fields out of protobuf bytes. Whatever is wrong with them ends in a FormatError that names the byte; what is
 * allocated is bounded by the length of the file, because every length is checked against the enclosing message first.
 */
export class ProtoReader {
  readonly #reader: BinaryReader
  #wireType: WireType = WireType.LengthDelimited
  #end: number
  #objects = 0

  constructor(bytes: Uint8Array) {
    this.#reader = new BinaryReader(bytes)
    this.#end = bytes.length
  }

  /** Where the next byte comes from. */
  get offset(): number {
    return this.#reader.pos
  }

  /** Reads fields up to the end of the enclosing message. */
  fields(visit: FieldVisitor): void {
    const end = this.#end
    while (this.#reader.pos < end) {
      const [field, wireType] = this.#guard(() => this.#reader.tag())
      this.#wireType = wireType
      if (!visit(field)) this.#guard(() => this.#reader.skip(wireType, field))
    }
  }

  /** Reads the fields of an embedded message. */
  message(visit: FieldVisitor): void {
    this.#count()
    const outer = this.#end
    this.#end = this.#length()
    this.fields(visit)
    this.#end = outer
  }

  /** A view of the file's own bytes. */
  bytes(): Uint8Array {
    this.#expect(WireType.LengthDelimited)
    return this.#guard(() => this.#reader.bytes())
  }

  string(): string {
    this.#count()
    this.#expect(WireType.LengthDelimited)
    return this.#guard(() => this.#reader.string(true))
  }

  /** A 64-bit integer as the nearest number: sizes, axes and versions are far below 2^53, "to the end" is 2^63. */
  int(): number {
    this.#expect(WireType.Varint)
    return this.#guard(() => Number(this.#reader.int64()))
  }

  float(): number {
    this.#expect(WireType.Bit32)
    return this.#guard(() => this.#reader.float())
  }

  /** Appends a repeated integer, packed or not. */
  ints(into: number[]): void {
    if (this.#wireType !== WireType.LengthDelimited) return void into.push(this.int())
    const end = this.#length()
    this.#guard(() => {
      while (this.#reader.pos < end) into.push(Number(this.#reader.int64()))
    })
    this.#checkEnd(end)
  }

  /** Appends a repeated float, packed or not. */
  floats(into: number[]): void {
    if (this.#wireType !== WireType.LengthDelimited) return void into.push(this.float())
    const end = this.#length()
    this.#guard(() => {
      while (this.#reader.pos < end) into.push(this.#reader.float())
    })
    this.#checkEnd(end)
  }

  /** The encoded bytes of a repeated scalar, packed or one element: the same bytes in either form. */
  scalars(): Uint8Array {
    this.#count()
    if (this.#wireType === WireType.LengthDelimited) return this.bytes()
    return this.#guard(() => this.#reader.skip(this.#wireType))
  }

  /** Reads a length prefix; returns the end that it means. */
  #length(): number {
    this.#expect(WireType.LengthDelimited)
    const length = this.#guard(() => this.#reader.uint32())
    const end = this.#reader.pos + length
    if (end > this.#end) {
      throw new FormatError(
        'protobuf',
        `a field of ${length} bytes at ${this.#reader.pos} passes the end of its message at ${this.#end}`,
        this.#reader.pos,
      )
    }
    return end
  }

  #expect(wireType: WireType): void {
    if (this.#wireType !== wireType) {
      throw new FormatError(
        'protobuf',
        `wire type ${this.#wireType} where ${wireType} belongs, at byte ${this.offset}`,
        this.offset,
      )
    }
  }

  #count(): void {
    if (++this.#objects > MAX_PROTO_OBJECTS) {
      throw new RangeError(`a model file expected at most ${MAX_PROTO_OBJECTS} messages and strings`)
    }
  }

  #checkEnd(end: number): void {
    if (this.#reader.pos > end) {
      throw new FormatError('protobuf', `a value passes the end of its message at byte ${end}`, end)
    }
  }

  /** The library throws plain errors, and the platform's RangeError at the end of the buffer. */
  #guard<T>(read: () => T): T {
    const start = this.#reader.pos
    let value: T
    try {
      value = read()
    } catch (error) {
      throw new FormatError('protobuf', `byte ${start}: ${(error as Error).message}`, start)
    }
    this.#checkEnd(this.#end)
    return value
  }
}
