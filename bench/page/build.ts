// npm run bench:page [-- FILE]: writes one HTML file that runs the suite in any browser, with nothing else to serve.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { bundle } from '../bundle.js'
import { STYLE } from '../report.js'

const file = process.argv[2] ?? 'build/bench.html'
const script = (await bundle('bench/page/page.ts')).replaceAll('</script', '<\\/script')
const targets = ['all', 'js', 'simd', 'relaxed'].map((name) => `<option>${name}</option>`)
mkdirSync(dirname(file), { recursive: true })
writeFileSync(
  file,
  `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>mcompress-wasm benchmarks</title>
<style>${STYLE}
</style>
</head>
<body>
<h1>mcompress-wasm benchmarks</h1>
<p>
<label>only <input id="filter" placeholder="kernel or shape"></label>
<label>target <select id="target">${targets.join('')}</select></label>
<label><input id="worker" type="checkbox"> in a Worker</label>
<button id="start">run</button>
<a id="save" download="bench.json" hidden>JSON</a>
</p>
<p id="status"></p>
<div id="rows"></div>
<script type="module" id="suite">${script}</script>
</body>
</html>
`,
)
console.log(file)
