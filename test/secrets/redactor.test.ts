// SPDX-License-Identifier: Apache-2.0
// What is known is found wherever it stands and in whatever spelling, and everything else stays as it was.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SigilError } from '../../src/errors.ts';
import { Needles } from '../../src/secrets/needles.ts';
import { HIDDEN, Redactor, SHORTEST } from '../../src/secrets/redactor.ts';
import { usualRuns } from '../drawn.ts';

function knowing(...values: readonly string[]): Redactor {
  const redactor = new Redactor();
  for (const value of values) redactor.add(value);
  return redactor;
}

/** Text from few letters, so that needles overlap, begin and contain each other. */
const dense = (minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom('a', 'b'), minLength, maxLength });

describe('needles', () => {
  it('are all gone, however they overlap, and nothing else is', () => {
    fc.assert(
      fc.property(fc.array(dense(6, 12), { maxLength: 40 }), dense(0, 200), (all, text) => {
        const needles = new Needles();
        for (const needle of all) needles.add(needle);
        const shown = needles.replace(text, '.');
        for (const needle of all) expect(shown).not.toContain(needle);
        // What a plain search would cover, character by character.
        const covered = new Set<number>();
        for (const needle of all)
          for (let at = text.indexOf(needle); at !== -1; at = text.indexOf(needle, at + 1))
            for (let i = at; i < at + needle.length; i += 1) covered.add(i);
        expect(shown.replaceAll('.', '')).toBe([...text].filter((_, index) => !covered.has(index)).join(''));
      }),
      { numRuns: usualRuns(500) },
    );
  });

  it('are found among thousands, at the start and at the end', () => {
    const needles = new Needles();
    const all = Array.from({ length: 5_000 }, (_, index) => `needle-${index}-`);
    for (const needle of all) needles.add(needle);
    for (const needle of all) expect(needles.replace(`${needle} ${needle}`, '.')).toBe('. .');
    expect(needles.replace('needle-5000- is none', '.')).toBe('needle-5000- is none');
  });
});

describe('a secret', () => {
  it('is hidden in any data, by whatever way a text is written', () => {
    const value = fc
      .string({ unit: 'grapheme', minLength: SHORTEST, maxLength: 40 })
      .filter((text) => !text.includes('*'));
    fc.assert(
      fc.property(value, fc.string(), fc.string(), (secret, before, after) => {
        const redactor = knowing(secret);
        const text = `${before}${secret}${after}`;
        const error = Object.assign(new Error(text, { cause: new Error(text) }), { quoted: [text] });
        const data = { [text]: [text, { deep: new Map([[text, 1]]) }], error, set: new Set([text]) };
        const shown = [
          JSON.stringify(redactor.data(data)),
          redactor.text(JSON.stringify(text)),
          redactor.text(JSON.stringify({ text })),
          redactor.text(text),
        ].join('\n');
        expect(shown).not.toContain(secret);
        expect(shown).not.toContain(JSON.stringify(secret).slice(1, -1));
        expect(redactor.text(`?key=${encodeURIComponent(secret.toWellFormed())}`)).toBe(`?key=${HIDDEN}`);
        expect(redactor.text(Buffer.from(secret).toString('base64'))).not.toContain(
          Buffer.from(secret).toString('base64').replace(/=+$/, ''),
        );
      }),
    );
  });

  it('of several lines is found line by line, but for its frame', () => {
    const key =
      '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA\n  IK8aVyZ0Xk3u5Wq9bQ==xyz\nshort\n-----END PRIVATE KEY-----\n';
    const redactor = knowing(key);
    expect(redactor.text('at MC4CAQAwBQYDK2VwBCIEIA, IK8aVyZ0Xk3u5Wq9bQ==xyz')).toBe(`at ${HIDDEN}, ${HIDDEN}`);
    expect(redactor.text('-----BEGIN PRIVATE KEY----- short')).toBe('-----BEGIN PRIVATE KEY----- short');
  });

  it('of digits is hidden as a number too', () => {
    expect(knowing('123456').data({ pin: 123_456, more: 9_123_456n, other: 12_345 })).toEqual({
      pin: HIDDEN,
      more: HIDDEN,
      other: 12_345,
    });
  });

  it('shorter than six characters is not looked for', () => {
    expect(knowing('12345', 'é😀é', '').text('12345 é😀é')).toBe('12345 é😀é');
  });
});

describe('data', () => {
  it('without a secret in it is the same data, and with one only that part is another', () => {
    const clean = { a: [1, 'x', null, undefined, { b: new Date(0) }], c: Buffer.from('bytes') };
    expect(knowing('secret-value').data(clean)).toBe(clean);
    const mixed = { clean, said: 'my secret-value' };
    const shown = knowing('secret-value').data(mixed);
    expect(shown).toEqual({ clean, said: `my ${HIDDEN}` });
    expect(shown.clean).toBe(clean);
    expect(mixed.said).toBe('my secret-value');
  });

  it('without end comes to one', () => {
    const circle: Record<string, unknown> = { secret: 'secret-value' };
    circle['self'] = { circle };
    expect(JSON.stringify(knowing('secret-value').data(circle))).toBe(
      '{"secret":"***","self":{"circle":"[circular]"}}',
    );
    let deep: unknown = 'secret-value';
    for (let level = 0; level < 1_000; level += 1) deep = [deep];
    expect(JSON.stringify(knowing('secret-value').data(deep))).toContain('[nested too deep]');
  });
});

describe('what is known', () => {
  it('is told to other threads once, but for what is this one’s own', () => {
    const redactor = new Redactor();
    const told: string[] = [];
    redactor.onAdd((value) => told.push(value));
    redactor.add('own-value', false);
    redactor.add('secret-value');
    redactor.add('secret-value');
    redactor.add('short');
    expect(told).toEqual(['secret-value']);
    redactor.add('own-value');
    expect(told).toEqual(['secret-value', 'own-value']);
    expect(redactor.values()).toEqual(told);
    expect(redactor.text('own-value secret-value')).toBe(`${HIDDEN} ${HIDDEN}`);
  });

  it('has a bound, past which nothing is used that could not be hidden', () => {
    const redactor = new Redactor();
    const value = (index: number): string => `${index}-`.padEnd(16_000, 'x');
    let index = 0;
    let thrown: unknown;
    while (thrown === undefined && index < 10_000) {
      try {
        redactor.add(value(index));
        index += 1;
      } catch (error) {
        thrown = error;
      }
    }
    expect(thrown).toBeInstanceOf(SigilError);
    expect(index).toBeGreaterThan(500);
    expect(redactor.text(value(index - 1))).toBe(HIDDEN);
    expect(redactor.text(value(index))).toBe(value(index));
  });
});
