import './embedded.js'

export * from './slim.js'
