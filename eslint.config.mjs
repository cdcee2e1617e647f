import js from '@eslint/js'
import tseslint from 'typescript-eslint'

// The rooms of bindings/ and what each may import. Leaves (errors, limits, validate) and formats are open to all.
const leaves = ['errors', 'limits', 'validate', 'formats']
const rooms = {
  formats: [],
  runtime: ['kernels'],
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

const arrows = Object.entries(rooms).map(([room, allowed]) => {
  const open = [...leaves, ...allowed, room].join('|')
  return {
    files: [`bindings/${room}/**/*.ts`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            {
              regex: `^(\\.\\./)+(?!\\.\\./)(?!(${open})(/|\\.js$))[a-z]+(/|\\.js$)`,
              message: `${room}/ may import only: ${open.replaceAll('|', ', ')}`,
            },
          ],
        },
      ],
    },
  }
})

export default tseslint.config(
  { ignores: ['dist/', 'build/', 'docs/', 'artifacts/', 'assembly/', 'tests/as/', '**/node_modules/'] },
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
