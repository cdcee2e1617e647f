export default {
  entries: ['tests/as/**/*.spec.ts'],
  include: [],
  disclude: [/node_modules/],
  async instantiate(memory, createImports, instantiate, binary) {
    const imports = createImports({ env: { memory } })
    return instantiate(binary, imports)
  },
  wasi: null,
  outputBinary: false,
}
