import js from '@eslint/js'
import tseslint from 'typescript-eslint'

// The rooms of bindings/ and what each may import. Leaves (errors, limits, validate) and formats are open to all.
const leaves = ['errors', 'limits', 'validate', 'formats']
const rooms = {
  formats: [],
  runtime: [],
  kernels: ['runtime'],
  ops: ['runtime', 'kernels'],
  graph: [],
  io: ['graph', 'ops'],
  infer: ['graph', 'io', 'ops', 'runtime', 'embedded'],
  evaluate: ['infer', 'graph', 'io', 'ops', 'runtime', 'embedded'],
  compress: ['evaluate', 'infer', 'graph', 'io', 'ops', 'runtime', 'embedded'],
  train: ['evaluate', 'infer', 'graph', 'io', 'ops', 'runtime', 'embedded'],
  cli: ['compress', 'train', 'evaluate', 'infer', 'graph', 'io', 'ops', 'runtime', 'embedded'],
}

/** A file `depth` folders below bindings/ leaves its room through as many `..`, fewer stay inside. */
const arrow = (room, allowed, depth) => {
  const open = [...leaves, ...allowed, room].join('|')
  return {
    files: [`bindings/${room}${'/*'.repeat(depth)}.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^(\\.\\./){${depth}}(?!(${open})(/|\\.js$))[a-z-]+(/|\\.js$)`,
              message: `${room}/ may import only: ${open.replaceAll('|', ', ')}`,
            },
          ],
        },
      ],
    },
  }
}

const arrows = Object.entries(rooms).flatMap(([room, allowed]) =>
  [1, 2].map((depth) => arrow(room, allowed, depth)),
)

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'build/',
      'docs/',
      'artifacts/',
      'assembly/',
      'tests/as/',
      'bench/probes/',
      '**/node_modules/',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.recommended,
  {
    rules: {
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['*.mjs', '**/*.mjs'],
    languageOptions: { globals: { process: 'readonly', URL: 'readonly', console: 'readonly' } },
  },
  ...arrows,
  {
    files: ['bindings/**/*.ts'],
    ignores: ['bindings/ops/**', 'bindings/runtime/**', 'bindings/kernels/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: "MemberExpression[property.name='pointer']",
          message: 'raw pointers exist only in ops/ and runtime/',
        },
      ],
    },
  },
  {
    files: ['bindings/graph/**/*.ts', 'bindings/formats/**/*.ts', 'tests/oracles/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', { name: 'WebAssembly', message: 'plain data only, no wasm here' }],
    },
  },
  {
    files: ['tests/oracles/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { regex: 'bindings|#kernels|mcompress-wasm', message: 'oracles import nothing from the library' },
          ],
        },
      ],
    },
  },
)
