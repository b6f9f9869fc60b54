// SPDX-License-Identifier: Apache-2.0
// Words, queries and snippets by themselves: cut the same everywhere, safe with any text, never in the middle of a character.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchExpression, searchTerms, stemOf } from '../../src/stores/search-query.ts';
import { ranked } from '../../src/stores/search-rank.ts';
import { SNIPPET_MOST, snippetOf } from '../../src/stores/snippet.ts';
import { folded, indexWords, wordsOf } from '../../src/stores/text-words.ts';
import { usualRuns } from '../drawn.ts';

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc.lorem({ maxCount: 100 }),
  fc.constantFrom('東京タワー', 'ภาษาไทย', '🦊🦊 fox', 'foo_bar', "don't", '"'),
);

describe('words', () => {
  it('stand where they say, and are the same however they are written', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        for (const { word, from, to } of wordsOf(text)) {
          expect(indexWords(text.slice(from, to)).join('')).toContain(word);
          expect(word.length).toBeLessThanOrEqual(64);
          expect(word.isWellFormed()).toBe(true);
        }
        expect(indexWords(text.toWellFormed().normalize('NFC'))).toEqual(
          indexWords(text.toWellFormed().normalize('NFD')),
        );
      }),
      { numRuns: usualRuns(1_000) },
    );
  });

  it.each(['↮', '↔\u0338 fox', '\u{1d15e}', '\u{1d1bb}fox', '\u0301fox', '🦊\u0338'])(
    'are the same however %s is written',
    (text) => {
      expect(indexWords(text.normalize('NFC'))).toEqual(indexWords(text.normalize('NFD')));
      expect(indexWords(text)).toEqual(indexWords(text.normalize('NFD')));
    },
  );

  it('are cut at their length, the same for who writes and who searches', () => {
    const long = 'x'.repeat(1_000);
    expect(indexWords(long)).toEqual(['X'.repeat(64)]);
    expect(searchTerms(long)[0]?.words).toEqual(indexWords(long));
  });

  it('are compared without case and accents', () => {
    for (const [one, other] of [
      ['Straße', 'STRASSE'],
      ['ὈΔΥΣΣΕΎΣ', 'οδυσσευς'],
      ['İstanbul', 'istanbul'],
      ['ｆｕｌｌ', 'FULL'],
      ['ﬁsh', 'FISH'],
    ] as const) {
      expect(folded(one)).toBe(folded(other));
    }
  });
});

describe('queries', () => {
  it.each([
    ['green tea', [['GREEN'], ['TEA']]],
    ['"green tea" pot', [['GREEN', 'TEA'], ['POT']]],
    ['“green tea', [['GREEN'], ['TEA']]],
    [
      "don't e-mail foo_bar",
      [
        ['DON', 'T'],
        ['E', 'MAIL'],
        ['FOO', 'BAR'],
      ],
    ],
    ['tea,coffee/milk', [['TEA'], ['COFFEE'], ['MILK']]],
    ['tea tea TEA', [['TEA']]],
    ['東京tower', [['東', '京', 'TOWER']]],
    ['" - _', []],
  ])('%j', (text, words) => {
    expect(searchTerms(text).map((term) => term.words)).toEqual(words);
  });

  it('are expressions of quoted words and nothing else', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const terms = searchTerms(text);
        if (terms.length === 0) return;
        const bare = matchExpression(terms, 'any', { user_id: text, session_id: '"', kinds: ['user'] }).replaceAll(
          /"(?:[^"]|"")*"/g,
          '',
        );
        expect(bare).toMatch(/^[a-zA-Z :(){}]*$/);
        expect(terms.length).toBeLessThanOrEqual(16);
      }),
      { numRuns: usualRuns(1_000) },
    );
  });

  it('look for other forms of words of letters alone', () => {
    const stems = ['houses', 'tea', 'ab', 'needle7', '東', '🦊', 'Häuser'].map((text) => {
      const [term] = searchTerms(text);
      return term === undefined ? undefined : stemOf(term);
    });
    expect(stems).toEqual(['HOUS', 'TEA', undefined, undefined, undefined, undefined, 'HAUS']);
  });
});

describe('order', () => {
  it('is by score, then by age, and holds every candidate once', () => {
    const terms = searchTerms('fig plum');
    const texts = fc.array(fc.array(fc.constantFrom('FIG', 'PLUM', 'OAK'), { maxLength: 8 }), { maxLength: 30 });
    fc.assert(
      fc.property(texts, (all) => {
        const candidates = all.map((words, n) => ({ n, text: words.join(' '), length: words.join(' ').length }));
        const order = ranked(terms, candidates, () => 0.5).map(({ n }) => n);
        expect(order.toSorted((a, b) => a - b)).toEqual(candidates.map(({ n }) => n));
        const same = ranked(
          terms,
          candidates.map((one) => ({ ...one, text: 'FIG', length: 3 })),
          () => 0.5,
        );
        expect(same.map(({ n }) => n)).toEqual(candidates.map(({ n }) => n).reverse());
      }),
      { numRuns: usualRuns(1_000) },
    );
  });
});

describe('snippets', () => {
  it('are parts of the text with marks on the words, whole characters only', () => {
    fc.assert(
      fc.property(anyText, anyText, fc.nat(50), (text, more, repeat) => {
        const whole = `${`${more} `.repeat(repeat)}${text}`.toWellFormed();
        const terms = searchTerms(text);
        const { text: shown, marks } = snippetOf(whole, terms);
        expect(shown.isWellFormed()).toBe(true);
        expect(shown.length).toBeLessThanOrEqual(SNIPPET_MOST + 4);
        expect(whole).toContain(shown.replace(/^…/, '').replace(/…$/, ''));
        let end = 0;
        for (const [from, to] of marks) {
          expect(from).toBeGreaterThanOrEqual(end);
          expect(to).toBeGreaterThan(from);
          expect(to).toBeLessThanOrEqual(shown.length);
          const marked = indexWords(shown.slice(from, to));
          expect(terms.some(({ words }) => words.some((word) => marked.includes(word)))).toBe(true);
          end = to;
        }
      }),
      { numRuns: usualRuns(1_000) },
    );
  });

  it('mark a word and a phrase that begins with it as one', () => {
    const { text, marks } = snippetOf('a green tea', searchTerms('green "green tea" tea'));
    expect(marks.map(([from, to]) => text.slice(from, to))).toEqual(['green tea']);
  });

  it('show the part with most of the words', () => {
    const text = `green ${'filler '.repeat(100)}here is green tea in a pot ${'filler '.repeat(100)}tea`;
    const { text: shown, marks } = snippetOf(text, searchTerms('tea green pot'));
    expect(marks.map(([from, to]) => shown.slice(from, to))).toEqual(['green', 'tea', 'pot']);
    expect(shown).toMatch(/^….*…$/);
  });
});
