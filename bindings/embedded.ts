import * as embedded from '#kernels'
import { provideKernels } from './runtime/default.js'

provideKernels(embedded)
