export { parseSafetensors, type SafetensorsEntry, type SafetensorsFile } from './header.js'
export { readSafetensors, type SafetensorsTensors } from './read.js'
export { writeSafetensors, type WriteSafetensorsOptions } from './write.js'
