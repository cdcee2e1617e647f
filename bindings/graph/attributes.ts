import { FormatError } from '../errors.js'
import { describe } from '../validate.js'
import type { Attribute, Graph, GraphNode } from './model.js'

/** How messages name a node: `Conv "c1"`. */
export function describeNode(node: GraphNode): string {
  return `${qualifiedOp(node)} ${JSON.stringify(node.name)}`
}

/** The operator with its domain, as in `com.microsoft::FusedConv`; standard operators go without. */
export function qualifiedOp(node: GraphNode): string {
  return node.domain === '' ? node.op : `${node.domain}::${node.op}`
}

/** An attribute or undefined. Names come from files, so inherited properties do not count. */
export function attribute(node: GraphNode, name: string): Attribute | undefined {
  return Object.hasOwn(node.attributes, name) ? node.attributes[name] : undefined
}

function read<T extends Attribute>(
  node: GraphNode,
  name: string,
  kind: string,
  is: (value: Attribute) => value is T,
  fallback: T | undefined,
): T {
  const value = attribute(node, name) ?? fallback
  if (value === undefined || !is(value)) {
    const got = value === undefined ? 'nothing' : describe(value)
    throw new FormatError('attribute', `${describeNode(node)}: "${name}" expected ${kind}, got ${got}`)
  }
  return value
}

const isNumber = (value: Attribute) => typeof value === 'number'
const isInteger = (value: Attribute): value is number => Number.isInteger(value)
const isString = (value: Attribute) => typeof value === 'string'
const isIntegers = (value: Attribute): value is readonly number[] =>
  Array.isArray(value) && value.every((item) => Number.isInteger(item))
const isStrings = (value: Attribute): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
const isNumbers = (value: Attribute): value is readonly number[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'number')
const isGraph = (value: Attribute): value is Graph => typeof value === 'object' && 'nodes' in value

/** An integer attribute. Without a fallback it must be there. Throws FormatError that names the node. */
export function intAttribute(node: GraphNode, name: string, fallback?: number): number {
  return read(node, name, 'an integer', isInteger, fallback)
}

/** As `intAttribute`, for a float. */
export function floatAttribute(node: GraphNode, name: string, fallback?: number): number {
  return read(node, name, 'a number', isNumber, fallback)
}

/** As `intAttribute`, for a string. */
export function stringAttribute(node: GraphNode, name: string, fallback?: string): string {
  return read(node, name, 'a string', isString, fallback)
}

/** As `intAttribute`, for a list of integers. */
export function intsAttribute(
  node: GraphNode,
  name: string,
  fallback?: readonly number[],
): readonly number[] {
  return read(node, name, 'a list of integers', isIntegers, fallback)
}

/** As `intAttribute`, for a list of floats. */
export function numbersAttribute(
  node: GraphNode,
  name: string,
  fallback?: readonly number[],
): readonly number[] {
  return read(node, name, 'a list of numbers', isNumbers, fallback)
}

/** As `intAttribute`, for a list of strings. */
export function stringsAttribute(
  node: GraphNode,
  name: string,
  fallback?: readonly string[],
): readonly string[] {
  return read(node, name, 'a list of strings', isStrings, fallback)
}

/** The graphs among a node's attributes. */
export function subgraphsOf(node: GraphNode): Graph[] {
  return Object.values(node.attributes).filter(isGraph)
}
