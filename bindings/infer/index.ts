import '../embedded.js'

export {}
