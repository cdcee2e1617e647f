// Pieces of words as the Universal Sentence Encoder takes them: the best split by a unigram language model.
import type { Tensor } from '../../bindings/formats/tensor.js'

type Vocabulary = readonly (readonly [piece: string, score: number])[]

/** Pieces before this one stand for no text. */
const RESERVED = 6

/** Indices of the pieces with the greatest sum of scores (Kudo, Subword Regularization, 2018, section 2.2). */
function split(vocabulary: Vocabulary, index: ReadonlyMap<string, number>, text: string): number[] {
  const normal = `\u2581${text.normalize('NFKC').trim().replace(/\s+/g, '\u2581')}`
  const best = [{ score: 0, from: 0, piece: 0 }]
  for (let end = 1; end <= normal.length; end++) {
    best[end] = { score: best[end - 1]!.score - 20, from: end - 1, piece: 0 }
    for (let from = Math.max(0, end - 24); from < end; from++) {
      const piece = index.get(normal.slice(from, end))
      if (piece === undefined) continue
      const score = best[from]!.score + vocabulary[piece]![1]
      if (score > best[end]!.score) best[end] = { score, from, piece }
    }
  }
  const pieces: number[] = []
  for (let end = normal.length; end > 0; end = best[end]!.from) pieces.unshift(best[end]!.piece)
  return pieces
}

/** The inputs of the encoder: [row, position] of every piece, and the pieces. */
export function encodeSentences(
  vocabulary: Vocabulary,
  sentences: readonly string[],
): Record<string, Tensor> {
  const index = new Map(vocabulary.map(([piece], i) => [piece, i] as const).slice(RESERVED))
  const rows = sentences.map((sentence) => split(vocabulary, index, sentence))
  const places = rows.flatMap((row, i) => row.flatMap((_, position) => [i, position]))
  const values = Int32Array.from(rows.flat())
  return {
    indices: { kind: 'dense', dtype: 'int32', shape: [values.length, 2], data: Int32Array.from(places) },
    values: { kind: 'dense', dtype: 'int32', shape: [values.length], data: values },
  }
}
