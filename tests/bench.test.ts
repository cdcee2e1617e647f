import { describe, expect, it } from 'vitest'
import { GOALS, goalOf, judge, sizeRow, type Goal } from '../bench/goals.js'
import { chartsOf, escapeHtml, renderReport } from '../bench/report.js'
import { compareRuns, parseRows, toRuns, verdict, type Row } from '../bench/rows.js'
import { cellsOf, comparisonCells, HEAD, PEER_HEAD, peerCellsOf } from '../bench/table.js'
import { whereabouts } from '../bench/where.js'

function row(medianMs: number, change: Partial<Row> = {}): Row {
  return {
    kernel: 'f32_gemm',
    shape: '64x64x64',
    target: 'simd',
    contender: 'mcompress',
    medianMs,
    minMs: medianMs * 0.95,
    rate: 10 / medianMs,
    unit: 'GFLOP/s',
    ratio: 1,
    peakShare: 0.5,
    exact: true,
    lowMs: medianMs * 0.99,
    highMs: medianMs * 1.01,
    ...change,
  }
}

describe('verdict', () => {
  const base = row(10)

  it('is faster or slower where rounds do not overlap and the difference is more than placement', () => {
    expect(verdict(base, row(9))).toBe('faster')
    expect(verdict(base, row(11))).toBe('slower')
    expect(verdict(row(9), row(10))).toBe('slower')
  })

  it('is the same where rounds overlap, however far the medians lie apart', () => {
    expect(verdict(base, row(5, { highMs: 10 }))).toBe('same')
    expect(verdict(base, row(20, { lowMs: 10 }))).toBe('same')
  })

  it('is the same where rounds are apart by what placement explains', () => {
    const narrow = (ms: number): Row => row(ms, { lowMs: ms * 0.999, highMs: ms * 1.001 })
    expect(verdict(narrow(10), narrow(9.7))).toBe('same')
    expect(verdict(narrow(10), narrow(10.3))).toBe('same')
    expect(verdict(narrow(10), narrow(10.5))).toBe('slower')
  })

  it('gives a wrong result no speed', () => {
    expect(verdict(base, row(1, { exact: false }))).toBe('not exact')
    expect(verdict(row(10, { exact: false }), row(1))).toBe('not exact')
  })
})

describe('runs', () => {
  it('splits a file by engine and names runs by what differs', () => {
    const rows = [row(1, { engine: 'Node 20', cpu: 'x' }), row(2, { engine: 'Bun 1', cpu: 'x' })]
    expect(toRuns(new Map([['a.json', rows]])).map(({ label }) => label)).toEqual(['Node 20', 'Bun 1'])
  })

  it('falls back on file names where places are equal', () => {
    const files = new Map([
      ['a.json', [row(1, { engine: 'Node 20' })]],
      ['b.json', [row(2, { engine: 'Node 20' })]],
      ['c.json', [row(2, { engine: 'Bun 1' })]],
    ])
    expect(toRuns(files).map(({ label }) => label)).toEqual(['a.json: Node 20', 'b.json: Node 20', 'Bun 1'])
  })

  it('sets cases side by side, with gaps where a run lacks one', () => {
    const runs = [
      { label: 'a', rows: [row(10), row(1, { shape: '1x1x1' })] },
      { label: 'b', rows: [row(5), row(1, { target: 'js' })] },
    ]
    const cases = compareRuns(runs)
    expect(cases.map(({ verdicts }) => verdicts)).toEqual([
      [undefined, 'faster'],
      [undefined, undefined],
      [undefined, undefined],
    ])
    expect(comparisonCells(runs, cases)).toEqual({
      head: ['kernel', 'shape', 'target', 'contender', 'a', 'b'],
      body: [
        ['f32_gemm', '64x64x64', 'simd', 'mcompress', '1.00 GFLOP/s', '2.00 GFLOP/s, 2.00x faster'],
        ['f32_gemm', '1x1x1', 'simd', 'mcompress', '10.00 GFLOP/s', ''],
        ['f32_gemm', '64x64x64', 'js', 'mcompress', '', '10.00 GFLOP/s'],
      ],
    })
  })

  it('reads back what was written and refuses what is not rows', () => {
    const rows = [row(1), row(2, { peakShare: null })]
    expect(parseRows('a', JSON.stringify(rows))).toEqual(rows)
    expect(() => parseRows('a', '{}')).toThrow('"a" expected an array of rows')
    expect(() => parseRows('a', '[null]')).toThrow('row 0')
    expect(() => parseRows('a', JSON.stringify([row(1), { ...row(1), rate: '1' }]))).toThrow(
      '"a" row 1 lacks rate',
    )
  })
})

describe('tables', () => {
  it('formats a row of ours', () => {
    const cells = cellsOf(row(2, { exact: false, peakShare: null }))
    expect(cells).toEqual(['f32_gemm', '64x64x64', 'simd', '2.000', '1.900', '1 %', '5.00 GFLOP/s', '', 'NO'])
    expect(cells).toHaveLength(HEAD.length)
  })

  it('says of a peer what was to be reached and whether it was', () => {
    const peer = { contender: 'peer', ratio: 1.2, against: 'simd', goal: 1.3, reached: false }
    const cells = peerCellsOf(row(2, peer))
    expect(cells.slice(8)).toEqual(['1.20 (simd)', '1.3', 'MISSED', 'yes'])
    expect(cells).toHaveLength(PEER_HEAD.length)
    expect(peerCellsOf(row(2, { ...peer, ratio: 1.3, reached: true })).slice(10)).toEqual(['reached', 'yes'])
    expect(peerCellsOf(row(2)).slice(8)).toEqual(['1.00', '', '', 'yes'])
  })
})

describe('goals', () => {
  const peer = { contender: 'peer' }
  const goals: Goal[] = [
    { kernel: 'f32_gemm', shape: '64x64x64', contender: 'peer', against: 'simd', bound: 2 },
    { kernel: 'f32_gemm', shape: '64x64x64', contender: 'peer', against: 'relaxed', bound: 4 },
  ]

  it('gives a peer one row for each target of ours, each with its ratio and goal', () => {
    const rows = judge(
      [row(1, { target: 'relaxed' }), row(2), row(4, peer), row(4, { contender: 'x' })],
      goals,
    )
    expect(
      rows.map(({ contender, against, ratio, goal, reached }) => [contender, against, ratio, goal, reached]),
    ).toEqual([
      ['mcompress', undefined, 1, undefined, undefined],
      ['mcompress', undefined, 1, undefined, undefined],
      ['peer', 'relaxed', 4, 4, true],
      ['peer', 'simd', 2, 2, true],
      ['x', 'relaxed', 4, undefined, undefined],
      ['x', 'simd', 2, undefined, undefined],
    ])
  })

  it('counts a ratio below the goal, or a wrong result, as missed', () => {
    expect(judge([row(2), row(3.9, peer)], goals)[1]!.reached).toBe(false)
    expect(judge([row(1, { exact: false }), row(4, peer)], goals)[1]!.reached).toBe(false)
    expect(judge([row(1), row(4, { ...peer, exact: false })], goals)[1]!.reached).toBe(false)
  })

  it('measures sizes over the entropy, and bounds them from above', () => {
    const encoder = row(1, { kernel: 'u8_huf_encode', shape: 'int8 of a Gaussian' })
    const [fits, exceeds] = [1004, 1006].map((bytes) => sizeRow(encoder, bytes, 1004, 1000))
    expect(fits).toMatchObject({ kernel: 'u8_huf_size', goal: 0.5, reached: true, ratio: 1 })
    expect(fits!.rate).toBeCloseTo(0.4)
    expect(exceeds).toMatchObject({ reached: false, ratio: 1006 / 1004 })
    expect(sizeRow({ ...encoder, contender: 'peer' }, 1010, 1004, 1000).goal).toBeUndefined()
    expect(peerCellsOf(fits!).slice(4)).toEqual([
      '',
      '',
      '0.40 % over entropy',
      '',
      '1.0000',
      'at most 0.5',
      'reached',
      'yes',
    ])
  })

  it('finds each goal by a row of its own', () => {
    for (const { kernel, shape, contender, against } of GOALS) {
      const found = row(1, { kernel, shape, contender, against })
      expect(GOALS.filter((goal) => goal === goalOf(found))).toHaveLength(1)
      expect(GOALS.filter((goal) => goalOf(found, [goal]) === goal)).toHaveLength(1)
    }
  })
})

describe('report', () => {
  const rows = [row(1), row(2, { target: 'js' }), row(4, { shape: '<b>&"', contender: 'a peer', ratio: 4 })]

  it('holds every row, escaped, and nothing from elsewhere', () => {
    const html = renderReport(new Map([['', rows]]), 'const Chart = class { "</script>" }')
    for (const cells of rows.map(peerCellsOf)) {
      expect(html).toContain(`<tr>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`)
    }
    expect(html).not.toContain('<b>')
    expect(html.match(/<\/script>/g)).toHaveLength(2)
    expect(html).not.toMatch(/(src|href)=/)
  })

  it('charts one group of bars a shape, a bar a series, gaps where a series lacks the shape', () => {
    const [chart, ...rest] = chartsOf([{ label: '', rows }])
    expect(rest).toEqual([])
    expect(chart!.data.labels).toEqual(['64x64x64', '<b>&"'])
    expect(chart!.data.datasets.map(({ label, data }) => [label, data])).toEqual([
      ['mcompress · simd', [10, null]],
      ['mcompress · js', [5, null]],
      ['a peer · simd', [null, 2.5]],
    ])
  })

  it('sets several runs side by side with verdicts', () => {
    const html = renderReport(
      new Map([
        ['a', [row(1)]],
        ['b', [row(2)]],
      ]),
      '',
    )
    expect(html).toContain('<td class="bad">5.00 GFLOP/s, 0.50x slower</td>')
  })
})

it('knows where it runs', () => {
  expect(whereabouts().engine).toBe(`Node ${process.versions.node}`)
})
