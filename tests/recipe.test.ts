import { describe, expect, it } from 'vitest'
import { calibrationNeed, RECIPES, resolveRecipe, type Recipe } from '../bindings/compress/recipe.js'

/** Recipes as a JavaScript caller may write them. */
const resolve = (recipe: unknown): unknown => resolveRecipe(recipe as Recipe)

describe('recipes', () => {
  it('has sound named ones, whose stages need samples or not', () => {
    const needs = Object.fromEntries(
      Object.entries(RECIPES).map(([name, recipe]) => [
        name,
        resolveRecipe(recipe)
          .filter((stage) => calibrationNeed(stage) !== undefined)
          .map(({ stage }) => stage),
      ]),
    )
    expect(needs).toEqual({
      'deep-compression': ['prune', 'refit', 'share'],
      int8: [],
      int4: [],
      'int8-static': ['quantize'],
    })
  })

  it('survives JSON', () => {
    for (const recipe of Object.values(RECIPES)) {
      expect(resolve(JSON.parse(JSON.stringify(recipe)))).toEqual(resolveRecipe(recipe))
    }
  })

  it('spells out what is left out', () => {
    expect(
      resolve([{ stage: 'prune', sparsity: 0.5 }, { stage: 'share', bits: 4 }, { stage: 'code' }]),
    ).toEqual([
      {
        stage: 'prune',
        method: 'magnitude-input',
        scope: 'global',
        sparsity: 0.5,
        rate: 1,
        refit: false,
        tolerance: Infinity,
      },
      { stage: 'share', bits: 4, init: 'linear', refit: false },
      { stage: 'code', coding: 'auto' },
    ])
    expect(resolve([])).toEqual([])
  })

  it('may prune and refit more than once', () => {
    const prune = (sparsity: number) => ({ stage: 'prune', method: 'magnitude', sparsity })
    expect(resolve([prune(0.3), { stage: 'refit' }, prune(0.6), { stage: 'refit' }])).toHaveLength(4)
  })

  it.each([
    [
      'smallest',
      RangeError,
      '"recipe" expected one of deep-compression, int8, int4, int8-static, got "smallest"',
    ],
    [7, TypeError, '"recipe" expected a name or an array of stages, got 7'],
    [{ stage: 'code' }, TypeError, '"recipe" expected a name or an array of stages, got object'],
    [[null], TypeError, '"recipe[0]" expected a stage, got null'],
    [
      [{}],
      TypeError,
      '"recipe[0].stage" expected one of prune, refit, quantize, share, bias, code, got undefined',
    ],
    [[{ stage: 'distil' }], RangeError, '"recipe[0].stage" expected one of'],
    [[{ stage: 'toString' }], RangeError, '"recipe[0].stage" expected one of'],
    [[{ stage: 'prune', sparsty: 0.5 }], TypeError, '"recipe[0]" has no option "sparsty"'],
    [[{ stage: 'prune' }], TypeError, '"recipe[0].sparsity" expected a number, got undefined'],
    [
      [{ stage: 'prune', sparsity: 1.5 }],
      RangeError,
      '"recipe[0].sparsity" expected a finite number in 0..1, got 1.5',
    ],
    [[{ stage: 'prune', sparsity: NaN }], RangeError, '"recipe[0].sparsity"'],
    [[{ stage: 'prune', sparsity: 0.5, rate: 0 }], RangeError, '"recipe[0].rate"'],
    [[{ stage: 'prune', sparsity: 0.5, method: 'random' }], RangeError, '"recipe[0].method"'],
    [[{ stage: 'prune', sparsity: 0.5, scope: 'row' }], RangeError, '"recipe[0].scope"'],
    [[{ stage: 'prune', sparsity: 0.5, refit: 1 }], TypeError, '"recipe[0].refit" expected a boolean, got 1'],
    [[{ stage: 'prune', sparsity: 0.5, tolerance: -1 }], RangeError, '"recipe[0].tolerance"'],
    [[{ stage: 'refit', sweeps: 3 }], TypeError, '"recipe[0]" has no option "sweeps"; it takes stage'],
    [[{ stage: 'quantize', bits: 5 }], RangeError, '"recipe[0].bits"'],
    [[{ stage: 'quantize', bits: 4, groupSize: 8 }], RangeError, '"recipe[0].groupSize"'],
    [[{ stage: 'quantize', bits: 4, activations: 'static' }], RangeError, '"recipe[0].activations"'],
    [[{ stage: 'quantize', granularity: 'group' }], RangeError, '"recipe[0].granularity"'],
    [[{ stage: 'quantize', activations: 'none' }], RangeError, '"recipe[0].activations"'],
    [[{ stage: 'share', bits: 1 }], RangeError, '"recipe[0].bits" expected an integer in 2..8, got 1'],
    [[{ stage: 'share', bits: 9 }], RangeError, '"recipe[0].bits"'],
    [[{ stage: 'share', bits: 4, init: 'random' }], RangeError, '"recipe[0].init"'],
    [[{ stage: 'bias' }], TypeError, '"recipe[0].as" expected one of float16, got undefined'],
    [[{ stage: 'code', coding: 'zip' }], RangeError, '"recipe[0].coding"'],
    [
      [{ stage: 'quantize' }, { stage: 'share', bits: 4 }],
      RangeError,
      '"recipe[1]" expected no stage "share" after "quantize", which gives the weights their final form',
    ],
    [
      [
        { stage: 'share', bits: 4 },
        { stage: 'prune', sparsity: 0.5 },
      ],
      RangeError,
      '"recipe[1]" expected no stage',
    ],
    [[{ stage: 'share', bits: 4 }, { stage: 'refit' }], RangeError, '"recipe[1]" expected no stage'],
    [[{ stage: 'code' }, { stage: 'code' }], RangeError, '"recipe[1]" expected one stage "code" at most'],
    [[{ stage: 'code' }, { stage: 'quantize' }], RangeError, '"recipe[1]" expected nothing after "code"'],
    [
      [{ stage: 'bias', as: 'float16' }, { stage: 'refit' }],
      RangeError,
      '"recipe[1]" expected no stage "refit"',
    ],
  ])('refuses %j', (recipe, kind, message) => {
    expect(() => resolve(recipe)).toThrow(kind)
    expect(() => resolve(recipe)).toThrow(message)
  })
})
