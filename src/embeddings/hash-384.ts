// SPDX-License-Identifier: Apache-2.0
// `sigil/hash-384`: words and parts of words hashed into 384 numbers. Finds texts that share words, word forms and spellings.

import type { EmbeddingModel } from './embedding-model.ts';
import { FeatureCounts, hashFeature, joinHashes } from './feature-counts.ts';
import { foldText } from './fold-text.ts';
import { splitWords } from './split-words.ts';
import { wordWeight } from './word-weight.ts';

const DIMENSIONS = 384;

/** Kinds of features, kept apart in the hash. */
const SPACE = { word: 1, gram: 2, pair: 3, char: 4, chars: 5, emoji: 6, stem: 7 } as const;

/**
 * What one occurrence of a feature weighs, tried one after the other against one half of the retrieval set of the tests and
 * looked at on the other. Parts of words count more than the word: they survive an ending and a typing mistake.
 */
const WEIGHT = { word: 1, stem: 0.6, gram: 1.5, pair: 0.1, char: 0.35, chars: 1, emoji: 1 } as const;
/** Lengths of the parts of a word, its two ends marked. */
const GRAMS = [3, 4] as const;
/** Longer words are cut: nothing that long is a word. */
const WORD_MOST = 64;
/** Characters of a word's beginning that stand for it, whatever its ending is. */
const STEM = 5;

function features(text: string): FeatureCounts {
  const counts = new FeatureCounts();
  let before: number | undefined;
  splitWords(foldText(text), (kind, piece) => {
    if (kind === 'emoji') counts.add(hashFeature(SPACE.emoji, piece, 0, piece.length), WEIGHT.emoji);
    else if (kind === 'run') addRun(counts, piece);
    if (kind !== 'word') return;
    const word = piece.slice(0, WORD_MOST);
    const weight = wordWeight(word);
    const hash = hashFeature(SPACE.word, word, 0, word.length);
    counts.add(hash, WEIGHT.word * weight);
    if (before !== undefined) counts.add(joinHashes(SPACE.pair, before, hash), WEIGHT.pair * weight);
    before = hash;
    addParts(counts, word, weight);
  });
  return counts;
}

/** Parts of a word share its weight, so that a long word does not count more than a short one. */
function addParts(counts: FeatureCounts, word: string, weight: number): void {
  if (word.length > STEM) counts.add(hashFeature(SPACE.stem, word, 0, STEM), WEIGHT.stem * weight);
  const marked = `<${word}>`;
  for (const size of GRAMS) {
    const number = marked.length - size + 1;
    if (number < 1) continue;
    const each = (WEIGHT.gram * weight) / Math.sqrt(number);
    for (let at = 0; at < number; at += 1) counts.add(hashFeature(SPACE.gram, marked, at, at + size), each);
  }
}

/** Characters and pairs of them stand for words where none are marked. */
function addRun(counts: FeatureCounts, run: string): void {
  const characters = [...run];
  for (const [at, character] of characters.entries()) {
    counts.add(hashFeature(SPACE.char, character, 0, character.length), WEIGHT.char);
    const pair = character + (characters[at + 1] ?? '');
    if (pair !== character) counts.add(hashFeature(SPACE.chars, pair, 0, pair.length), WEIGHT.chars);
  }
}

function embedInto(target: Float32Array, offset: number, text: string): void {
  const vector = new Float64Array(DIMENSIONS);
  features(text).into(vector);
  let sum = 0;
  for (const value of vector) sum += value * value;
  if (sum === 0) return;
  const length = Math.sqrt(sum);
  for (let at = 0; at < DIMENSIONS; at += 1) target[offset + at] = (vector[at] ?? 0) / length;
}

export const hash384: EmbeddingModel = {
  id: 'sigil/hash-384',
  dimensions: DIMENSIONS,
  embed(texts) {
    const vectors = new Float32Array(texts.length * DIMENSIONS);
    for (const [at, text] of texts.entries()) embedInto(vectors, at * DIMENSIONS, text);
    return vectors;
  },
};
