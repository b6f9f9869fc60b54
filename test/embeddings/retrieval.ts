// SPDX-License-Identifier: Apache-2.0
// How well an embedding finds the notes of the retrieval set: `node test/embeddings/retrieval.ts` prints it, and what was missed.

import { fileURLToPath } from 'node:url';
import type { EmbeddingModel } from '../../src/embeddings/embedding-model.ts';
import { hash384 } from '../../src/embeddings/hash-384.ts';
import { type Difficulty, NOTES, QUESTIONS, type Question } from './retrieval-set.ts';

export interface Recall {
  readonly questions: number;
  /** Share of the questions whose note is the first, and among the first five. */
  readonly at_1: number;
  readonly at_5: number;
  readonly missed: readonly (Question & { readonly rank: number })[];
}

/** Recall over these questions among all notes. */
export function recallOf(model: EmbeddingModel, questions: readonly Question[]): Recall {
  const ids = Object.keys(NOTES);
  const notes = model.embed(Object.values(NOTES));
  const asked = model.embed(questions.map(({ query }) => query));
  const { dimensions } = model;
  const score = (question: number, note: number): number => {
    let sum = 0;
    for (let at = 0; at < dimensions; at += 1)
      sum += (asked[question * dimensions + at] ?? 0) * (notes[note * dimensions + at] ?? 0);
    return sum;
  };
  const ranks = questions.map(({ note }, question) => {
    const right = score(question, ids.indexOf(note));
    // Others with the same score come before it: a vector that is all zero finds nothing.
    return ids.filter((id, at) => id !== note && score(question, at) >= right).length;
  });
  const within = (most: number): number => ranks.filter((rank) => rank < most).length / questions.length;
  const missed = questions.flatMap((question, at) => {
    const rank = ranks[at] ?? 0;
    return rank < 5 ? [] : [{ ...question, rank: rank + 1 }];
  });
  return { questions: questions.length, at_1: within(1), at_5: within(5), missed };
}

/** Every second question: weights may be tried against the first half, and the other says whether that was learnt by heart. */
export const HALVES = {
  tried: QUESTIONS.filter((_, at) => at % 2 === 0),
  held_out: QUESTIONS.filter((_, at) => at % 2 === 1),
} as const;

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const difficulties: readonly Difficulty[] = ['words', 'inflection', 'typo', 'order'];
  const lines: (readonly [string, readonly Question[]])[] = [
    ['all', QUESTIONS],
    ['tried', HALVES.tried],
    ['held out', HALVES.held_out],
    ...difficulties.map((name) => [name, QUESTIONS.filter((question) => question.difficulty === name)] as const),
  ];
  for (const [name, questions] of lines) {
    const { at_1, at_5, missed } = recallOf(hash384, questions);
    const shown = [
      name.padEnd(12),
      `${questions.length} questions`,
      `recall@1 ${at_1.toFixed(3)}`,
      `@5 ${at_5.toFixed(3)}`,
    ];
    console.log(shown.join('  '));
    if (name === 'all')
      for (const { query, note, rank } of missed) console.log(`  missed: ${query} -> ${note} (${rank})`);
  }
  for (const [name, length] of [
    ['100', 100],
    ['10,000', 10_000],
  ] as const) {
    const words = Object.values(NOTES).slice(0, 28).join(' ');
    const texts = Array.from({ length: 64 }, (_, at) => words.repeat(10).slice(at * 7, at * 7 + length));
    const runs = length === 100 ? 40 : 3;
    for (let run = 0; run < 3; run += 1) hash384.embed(texts.slice(0, 16));
    const began = performance.now();
    for (let run = 0; run < runs; run += 1) hash384.embed(texts);
    console.log(`${name} characters: ${(((performance.now() - began) * 1_000) / runs / 64).toFixed(0)} µs a text`);
  }
}
