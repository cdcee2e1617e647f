import { checkGroupSize, type GroupSize } from '../formats/int4.js'
import { checkChoice, checkInteger, checkNumber, checkOptions, describe } from '../validate.js'

/** Sets the weights to 0 that matter least. */
export interface PruneStage {
  readonly stage: 'prune'
  /**
   * `magnitude`: |w|. `magnitude-input` (default): |w| times the spread of its input over the calibration samples.
   */
  readonly method?: 'magnitude' | 'magnitude-input'
  /**
   * `layer`: each layer loses the same share. `global` (default): all layers are ranked together, for
   * `magnitude-input` each relative to the spread of its layer's output.
   */
  readonly scope?: 'layer' | 'global'
  /** Share of the weights to be 0, 0..1; an upper bound where there is a tolerance. */
  readonly sparsity: number
  /** Share of what is left that a round takes, 0.01..1; 1 (default) reaches the sparsity at once. */
  readonly rate?: number
  /** Lets what is kept make up for what is lost, after each round. */
  readonly refit?: boolean
  /** Ends before the outputs would be further off than this: their relative error over the samples to judge by. */
  readonly tolerance?: number
}

/**
 * Fits the kept weights and biases, layer after layer, to what the original layer gives for the original inputs.
 */
export interface RefitStage {
  readonly stage: 'refit'
}

/** Rounds weights to 8 or 4 bits, so that zeros stay; biases stay. */
export interface QuantizeStage {
  readonly stage: 'quantize'
  /** 8 (default), or 4: groups of inputs share a scale then. Convolutions whose channels groups do not fill stay at 8. */
  readonly bits?: 4 | 8
  /** Weights of 4 bits that share a scale; 32 unless given. */
  readonly groupSize?: GroupSize
  /** What has a scale of its own in int8: each output (default) or the whole tensor. */
  readonly granularity?: 'channel' | 'tensor'
  /**
   * `dynamic` (default): inputs of layers are scaled at run time. `static`: with ranges from the calibration
   * samples; for 8 bits.
   */
  readonly activations?: 'dynamic' | 'static'
}

/** Lets the weights of a layer share a few values. Zeros stay zero. */
export interface ShareStage {
  readonly stage: 'share'
  /** 2..8: at most 2^bits values a layer, 0 among them where the layer has zeros. */
  readonly bits: number
  /** Where the search for the values starts; `linear` unless given. */
  readonly init?: 'linear' | 'density' | 'kmeans++'
  /** Chooses values and biases by what the layer then gives, in place of the nearest value. */
  readonly refit?: boolean
}

/** Rounds biases to 16 bits. */
export interface BiasStage {
  readonly stage: 'bias'
  readonly as: 'float16'
}

/** Codes indices and int8 codes. Without it they take fields of as many bits as they need. */
export interface CodeStage {
  readonly stage: 'code'
  /** `auto` (default): each tensor in the way that is shortest. `huffman`: all Huffman-coded. */
  readonly coding?: 'auto' | 'huffman'
}

export type Stage = PruneStage | RefitStage | QuantizeStage | ShareStage | BiasStage | CodeStage

/** Stages in the order in which they run. Plain data: a recipe can be stored as JSON. */
export type Recipe = readonly Stage[]

/** Recipes by name; `deep-compression` is the default. */
export const RECIPES = {
  /**
   * Prunes as far as the error of the outputs stays within 0.75 % of their variance, shares 16 values a layer,
   * codes. After S. Han, H. Mao and W. Dally, Deep Compression (2016), with least squares in place of their
   * training.
   */
  'deep-compression': [
    {
      stage: 'prune',
      method: 'magnitude-input',
      scope: 'global',
      sparsity: 0.99,
      rate: 0.2,
      refit: true,
      tolerance: 0.0075,
    },
    { stage: 'refit' },
    { stage: 'share', bits: 4, init: 'linear', refit: true },
    { stage: 'bias', as: 'float16' },
    { stage: 'code' },
  ],
  /** int8 weights, inputs scaled at run time; needs no calibration. */
  int8: [{ stage: 'quantize', bits: 8, granularity: 'channel', activations: 'dynamic' }, { stage: 'code' }],
  /** int4 weights in groups of 32, int8 where that does not fit; inputs scaled at run time; needs no calibration. */
  int4: [{ stage: 'quantize', bits: 4, groupSize: 32 }, { stage: 'code' }],
  /** int8 weights and activations with calibrated ranges: the fastest to run. */
  'int8-static': [
    { stage: 'quantize', bits: 8, granularity: 'channel', activations: 'static' },
    { stage: 'code' },
  ],
} satisfies Record<string, Recipe>

export type RecipeName = keyof typeof RECIPES

/** A recipe with every option spelled out. */
export type ResolvedStage = { [S in Stage as S['stage']]: Required<S> }[Stage['stage']]

const CHECKS: { [S in Stage as S['stage']]: (stage: S, name: string) => Required<S> } = {
  prune(stage, name) {
    checkOptions(name, stage, ['stage', 'method', 'scope', 'sparsity', 'rate', 'refit', 'tolerance'])
    const { method = 'magnitude-input', scope = 'global', sparsity, rate = 1, refit = false } = stage
    const { tolerance = Infinity } = stage
    checkChoice(`${name}.method`, method, ['magnitude', 'magnitude-input'])
    checkChoice(`${name}.scope`, scope, ['layer', 'global'])
    checkNumber(`${name}.sparsity`, sparsity, 0, 1)
    checkNumber(`${name}.rate`, rate, 0.01, 1)
    checkBoolean(`${name}.refit`, refit)
    if (stage.tolerance !== undefined) checkNumber(`${name}.tolerance`, tolerance, 0)
    return { stage: 'prune', method, scope, sparsity, rate, refit, tolerance }
  },
  refit(stage, name) {
    checkOptions(name, stage, ['stage'])
    return { stage: 'refit' }
  },
  quantize(stage, name) {
    checkOptions(name, stage, ['stage', 'bits', 'groupSize', 'granularity', 'activations'])
    const { bits = 8, groupSize = 32, granularity = 'channel', activations = 'dynamic' } = stage
    if (bits !== 4 && bits !== 8)
      throw new RangeError(`"${name}.bits" expected 4 or 8, got ${describe(bits)}`)
    checkGroupSize(`${name}.groupSize`, groupSize)
    checkChoice(`${name}.granularity`, granularity, ['channel', 'tensor'])
    checkChoice(`${name}.activations`, activations, ['dynamic', 'static'])
    if (bits === 4 && activations === 'static') {
      throw new RangeError(`"${name}.activations" expected dynamic for 4 bits`)
    }
    return { stage: 'quantize', bits, groupSize, granularity, activations }
  },
  share(stage, name) {
    checkOptions(name, stage, ['stage', 'bits', 'init', 'refit'])
    const { bits, init = 'linear', refit = false } = stage
    checkInteger(`${name}.bits`, bits, 2, 8)
    checkChoice(`${name}.init`, init, ['linear', 'density', 'kmeans++'])
    checkBoolean(`${name}.refit`, refit)
    return { stage: 'share', bits, init, refit }
  },
  bias(stage, name) {
    checkOptions(name, stage, ['stage', 'as'])
    checkChoice(`${name}.as`, stage.as, ['float16'])
    return { stage: 'bias', as: stage.as }
  },
  code(stage, name) {
    checkOptions(name, stage, ['stage', 'coding'])
    const { coding = 'auto' } = stage
    checkChoice(`${name}.coding`, coding, ['auto', 'huffman'])
    return { stage: 'code', coding }
  },
}

function checkBoolean(name: string, value: unknown): asserts value is boolean {
  if (typeof value !== 'boolean') throw new TypeError(`"${name}" expected a boolean, got ${describe(value)}`)
}

/** Stages that may come only once, and those after which the weights have their final form. */
const ONCE = ['quantize', 'share', 'bias', 'code']
const AFTER_FORM = ['prune', 'refit', 'quantize', 'share']

/**
 * Checks a recipe and spells out its options.
 *
 * @throws TypeError for what is no recipe or has options that do not exist; RangeError for values out of range and
 * stages that contradict each other
 */
export function resolveRecipe(recipe: RecipeName | Recipe): ResolvedStage[] {
  if (typeof recipe === 'string') checkChoice('recipe', recipe, Object.keys(RECIPES))
  const stages: unknown = typeof recipe === 'string' ? RECIPES[recipe] : recipe
  if (!Array.isArray(stages)) {
    throw new TypeError(`"recipe" expected a name or an array of stages, got ${describe(stages)}`)
  }
  const resolved = stages.map((stage: Stage, i) => {
    const name = `recipe[${i}]`
    if (typeof stage !== 'object' || stage === null) {
      throw new TypeError(`"${name}" expected a stage, got ${describe(stage)}`)
    }
    checkChoice(`${name}.stage`, stage.stage, Object.keys(CHECKS) as Stage['stage'][])
    return (CHECKS[stage.stage] as (stage: Stage, name: string) => ResolvedStage)(stage, name)
  })
  checkOrder(resolved.map(({ stage }) => stage))
  return resolved
}

function checkOrder(names: readonly string[]): void {
  const fail = (i: number, why: string): never => {
    throw new RangeError(`"recipe[${i}]" expected ${why}`)
  }
  const form = names.findIndex((name) => name === 'quantize' || name === 'share')
  names.forEach((name, i) => {
    if (ONCE.includes(name) && names.indexOf(name) < i) fail(i, `one stage "${name}" at most, got another`)
    if (form >= 0 && i > form && AFTER_FORM.includes(name)) {
      fail(i, `no stage "${name}" after "${names[form]}", which gives the weights their final form`)
    }
    if (names.indexOf('code') >= 0 && i > names.indexOf('code'))
      fail(i, `nothing after "code", got "${name}"`)
    if (name === 'refit' && names.indexOf('bias') >= 0 && names.indexOf('bias') < i) {
      fail(i, 'no stage "refit" after "bias", as it changes biases')
    }
  })
}

/** Why a stage needs sample inputs; undefined if it does not. */
export function calibrationNeed(stage: ResolvedStage): string | undefined {
  switch (stage.stage) {
    case 'prune':
      if (stage.method === 'magnitude-input') return 'ranks weights by their inputs'
      if (stage.refit) return 'refits the kept weights'
      return stage.tolerance < Infinity ? 'is bounded by the error of the outputs' : undefined
    case 'refit':
      return 'fits weights to the outputs of layers'
    case 'share':
      return stage.refit ? 'fits values to the outputs of layers' : undefined
    case 'quantize':
      return stage.activations === 'static' ? 'needs the ranges of activations' : undefined
    default:
      return undefined
  }
}
