// SPDX-License-Identifier: Apache-2.0
// The built-in embedding: the same for ever, safe with any text, and of use.

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { builtInModel } from '../../src/embeddings/built-in.ts';
import { hash384 } from '../../src/embeddings/hash-384.ts';
import { BUILT_IN_MODELS } from '../../src/embeddings/model-list.ts';
import { usualRuns } from '../drawn.ts';
import { HALVES, recallOf } from './retrieval.ts';
import { NOTES, QUESTIONS } from './retrieval-set.ts';

const vectorOf = (text: string): Float32Array => hash384.embed([text]);
const length = (vector: Float32Array): number => Math.hypot(...vector);
function similarity(one: string, other: string): number {
  const [a, b] = [vectorOf(one), vectorOf(other)];
  return a.reduce((sum, value, at) => sum + value * (b[at] ?? 0), 0);
}

describe('sigil/hash-384', () => {
  it('gives for these texts what it has always given', () => {
    const vectors = hash384.embed([...Object.values(NOTES), '', 'a', '👩‍👩‍👧 é\u0301 ß', 'x'.repeat(500)]);
    // Whoever changes this changes the model: every stored vector would be of another one, so it needs another name.
    const digest = createHash('sha256').update(new Uint8Array(vectors.buffer)).digest('hex');
    expect(digest).toBe('93f9dc6349eaa2112a3ad4fd6f3202d26d03a2daa88b33cc3fc9a3ccfe9982c4');
  });

  it('is known by its name', () => {
    expect([...BUILT_IN_MODELS]).toEqual([[hash384.id, hash384.dimensions]]);
    for (const id of BUILT_IN_MODELS.keys()) expect(builtInModel(id)?.id).toBe(id);
    expect(builtInModel('sigil/hash-384')).toBe(hash384);
    expect(builtInModel('sigil/other')).toBeUndefined();
  });

  it('gives a vector of length 1 for any text that says something, whatever else is in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        expect(length(vectorOf(`${text} word`))).toBeCloseTo(1, 5);
        const any = length(vectorOf(text));
        expect(any === 0 || Math.abs(any - 1) < 1e-5).toBe(true);
        expect(vectorOf(text)).toEqual(vectorOf(text));
      }),
      { numRuns: usualRuns(1_000) },
    );
  });

  it('gives a text the same vector alone and among others', () => {
    const texts = Object.values(NOTES);
    const together = hash384.embed(texts);
    for (const [at, text] of texts.entries())
      expect(together.subarray(at * 384, (at + 1) * 384)).toEqual(vectorOf(text));
  });

  it.each(['', ' ', '\n\t', '…!?', '\u200b'])('gives nothing for %j, which says nothing', (text) => {
    expect(length(vectorOf(text))).toBe(0);
  });

  it.each([
    ['Straße', 'STRASSE'],
    ['café', 'cafe\u0301'],
    ['Ångström', 'angstrom'],
    ['ﬁne', 'FINE'],
    ['ΟΔΟΣ', 'οδός'],
    ['Żółć', 'zolc'],
    ['１２３', '123'],
    ['ﾗｰﾒﾝ', 'ラーメン'],
    ['한국', '한국'.normalize('NFD')],
  ])('sees no difference between %s and %s', (one, other) => {
    expect(vectorOf(one)).toEqual(vectorOf(other));
  });

  it.each([
    ['half a pair \ud83d', 'half a pair'],
    ['\udc00 the other half', 'the other half'],
  ])('is not disturbed by a lone surrogate', (broken, whole) => {
    expect(similarity(broken, whole)).toBeGreaterThan(0.9);
  });

  it('keeps emoji, and marks that make another letter', () => {
    expect(similarity('🎉', 'done 🎉')).toBeGreaterThan(0.3);
    expect(vectorOf('🎉')).not.toEqual(vectorOf('🚀'));
    expect(vectorOf('が')).not.toEqual(vectorOf('か'));
    expect(vectorOf('की')).not.toEqual(vectorOf('का'));
  });

  it('does not let a long text drown in what it repeats', () => {
    const once = 'the invoice of the printer';
    expect(similarity(once, `${once} ${'invoice '.repeat(50)}`)).toBeGreaterThan(0.5);
  });

  it('finds the right note in several languages, with endings, typing mistakes and words in another order', () => {
    const all = recallOf(hash384, QUESTIONS);
    expect(all.at_5, JSON.stringify(all.missed)).toBeGreaterThanOrEqual(0.97);
    expect(all.at_1).toBeGreaterThanOrEqual(0.95);
    expect(recallOf(hash384, HALVES.held_out).at_5).toBeGreaterThanOrEqual(0.95);
  });
});
