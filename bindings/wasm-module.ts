/** What importing one of the `.wasm` files gives where the host compiles it. */
declare const wasm: WebAssembly.Module
export default wasm
