// SPDX-License-Identifier: Apache-2.0
// Secrets in a reply that comes in pieces: whatever the pieces, the same is hidden, and little is held back.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KnownTexts } from '../../../src/security/scanner/known-texts.ts';
import { BOUNDS_MOST } from '../../../src/security/scanner/pattern-bounds.ts';
import { RULES } from '../../../src/security/scanner/rules.ts';
import { StreamRedactor, type StreamSecrets } from '../../../src/security/scanner/stream-redactor.ts';
import { streamRules } from '../../../src/security/scanner/stream-rules.ts';
import { usualRuns } from '../../drawn.ts';

const KNOWN = ['correct-horse-battery', 'correct-horse', 'hunter2hunter2', 'sk-ant-api03-known-to-the-gateway'];
const known = (texts: readonly string[]): KnownTexts => new KnownTexts({ size: texts.length, texts: () => texts });
const secrets: StreamSecrets = { rules: streamRules(RULES), known: known(KNOWN) };

/** What a reply in these pieces looks like in the end. */
function shown(pieces: readonly string[], of: StreamSecrets = secrets): string {
  const stream = new StreamRedactor(of);
  return pieces.map((piece) => stream.push(piece)).join('') + stream.flush();
}

/** A text cut before these places. */
function cutAt(text: string, places: readonly number[]): string[] {
  const sorted = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [...sorted, text.length].map((end, at) => text.slice(at === 0 ? 0 : sorted[at - 1], end));
}

const samples = RULES.filter(({ kind }) => kind === 'secret').flatMap(({ match }) => match);

describe('a redactor of a stream', () => {
  it.each(RULES.filter(({ kind }) => kind === 'secret').map((rule) => [rule.id, rule] as const))(
    'hides %s split at every place, and nothing that is only like it',
    (id, rule) => {
      for (const sample of rule.match) {
        const text = `before ${sample} after`;
        const whole = shown([text]);
        expect(whole).toMatch(/\[redacted:[a-z0-9-]+\]/);
        expect(shown([...text])).toBe(whole);
        for (let place = 1; place < text.length; place += 1)
          expect(shown([text.slice(0, place), text.slice(place)])).toBe(whole);
      }
      for (const text of rule.nomatch) expect(shown([text])).not.toContain(`[redacted:${id}]`);
    },
  );

  it('shows the same however a reply of secrets and words is cut', () => {
    const piece = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom(...samples, ...KNOWN, 'sk-', 'correct-hor', '-----BEGIN ', 'eyJ', 'Bearer '),
      },
      {
        weight: 2,
        arbitrary: fc.constantFrom(' ', '\n', 'the key is ', 'AKIA', ' "', '", ', '.', '\u200b', 'ＡＫＩＡ', '日本'),
      },
      { weight: 1, arbitrary: fc.string({ maxLength: 8 }) },
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 7 }), fc.array(fc.nat(), { maxLength: 12 }), (parts, places) => {
        const text = parts.join('');
        expect(shown(cutAt(text, places))).toBe(shown([text]));
      }),
      { numRuns: usualRuns(400) },
    );
  });

  it('hides what the gateway knows word for word, the longer of two that begin alike, and no half of either', () => {
    expect(shown(['it is correct-', 'horse', '-battery!'])).toBe('it is ***!');
    expect(shown(['it is correct-horse', ' indeed'])).toBe('it is *** indeed');
    expect(shown(['xhunter2', 'hunter2x'])).toBe('x***x');
    expect(shown(['correct-hor', 'ses'])).toBe('***s');
    expect(shown(['correct-h', 'at'])).toBe('correct-hat');
  });

  it('calls what the gateway knows its own, also where a rule is certain before', () => {
    const ours = `sk-ant-api03-${'a9Kd3Lm8Qz'.repeat(4)}`;
    const both = { ...secrets, known: known([ours]) };
    expect(shown([...`key ${ours} end`], both)).toBe('key *** end');
    expect(shown([...`key ${ours.slice(0, -1)} end`], both)).toBe('key [redacted:anthropic-key] end');
  });

  it('hides two that stand side by side', () => {
    const key = 'AKIAQ7ZK3MXW5TRNB2YD';
    expect(shown([`${key}${key}`])).toBe('[redacted:aws-access-key][redacted:aws-access-key]');
    expect(shown([`hunter2hunter2${key}`])).toBe('***[redacted:aws-access-key]');
  });

  it('shows plain text at once, and holds back only what may become a secret', () => {
    const stream = new StreamRedactor({ ...secrets, known: known([]) });
    expect(stream.push('The quick brown fox ')).toBe('The quick brown fox ');
    expect(stream.push('jumps over desk-tops and the s')).toBe('jumps over desk-tops and the ');
    expect(stream.push('k')).toBe('');
    expect(stream.push('y.')).toBe('sky.');
    expect(stream.push('token ghp_')).toBe('token ');
    expect(stream.push('short ')).toBe('ghp_short ');
    expect(stream.held).toBe(0);
  });

  it('redacts a long key from where it begins, and holds no more of it than its bound', () => {
    const body = Array.from({ length: 60 }, () => 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj');
    const text = `key:\n-----BEGIN PRIVATE KEY-----\n${body.join('\n')}\n-----END PRIVATE KEY-----\ndone`;
    const stream = new StreamRedactor(secrets);
    let out = '';
    let most = 0;
    for (const unit of text) {
      out += stream.push(unit);
      most = Math.max(most, stream.held);
    }
    expect(out + stream.flush()).toBe('key:\n[redacted:private-key]\ndone');
    expect(most).toBeLessThan(100);
  });

  it('never holds more than the bound of its rules, whatever comes', () => {
    const nasty = [
      `eyJ${'a'.repeat(5_000)}`,
      `postgres://${'a'.repeat(5_000)}`,
      '-----BEGIN PRIVATE KEY-----'.repeat(200),
      'eyJ-'.repeat(2_000),
      `Bearer ${'Bearer '.repeat(1_000)}`,
      `token = "${'abcdefghij'.repeat(500)}`,
    ];
    for (const text of nasty) {
      const stream = new StreamRedactor(secrets);
      for (let at = 0; at < text.length; at += 7) {
        stream.push(text.slice(at, at + 7));
        expect(stream.held).toBeLessThanOrEqual(BOUNDS_MOST.certain);
      }
    }
  });

  it('sees through characters that are not seen, and full-width ones', () => {
    const key = `AKIA${'Q7ZK3MXW5TRNB2YD'}`;
    const hidden = '[redacted:aws-access-key]';
    expect(shown([`a ${[...key].join('\u200b')} b`])).toBe(`a ${hidden} b`);
    const wide = [...key].map((unit) => String.fromCharCode(unit.charCodeAt(0) + 0xfee0)).join('');
    expect(shown([`a ${wide} b`])).toBe(`a ${hidden} b`);
  });
});
