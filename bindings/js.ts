// The kernels in plain TypeScript, for hosts that refuse wasm or lack SIMD. Import it once, before the first use:
// bundles that never meet such a host need not carry every kernel twice.
import { createJsKernels } from './kernels/index.js'
import { provideJsKernels } from './runtime/default.js'

provideJsKernels(createJsKernels)
