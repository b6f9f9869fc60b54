// SPDX-License-Identifier: Apache-2.0
// What may become a message: sizes in bytes, broken encodings, and texts in which there is nothing.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { receive } from '../../src/agent/receive.ts';

const limits = { max_bytes: 16 };

describe('receive', () => {
  it.each(['a', ' a ', '🙂🙂🙂🙂', 'a\r\nb', '\u200ba', '0'])('keeps %j as it is', (text) => {
    expect(receive(text, limits)).toEqual({ ok: true, content: text, replaced: 0 });
  });

  it.each(['', ' ', '\n\t\r ', '\u200b\ufeff', '\0', '\u3000', '\u2028'])('finds nothing in %j', (text) => {
    expect(receive(text, limits)).toMatchObject({ ok: false, failure: { code: 'validation_failed' } });
  });

  it.each(['a'.repeat(17), '🙂🙂🙂🙂a', 'ä'.repeat(9), ' '.repeat(17)])('refuses %j as too large', (text) => {
    const failed = { code: 'payload_too_large', message: expect.stringContaining('16 bytes'), retryable: false };
    expect(receive(text, limits)).toMatchObject({ ok: false, failure: failed });
  });

  it('replaces what cannot be kept, visibly', () => {
    expect(receive('a\ud83db\0c\ude42', limits)).toEqual({ ok: true, content: 'a\ufffdb\ufffdc\ufffd', replaced: 3 });
  });

  it('gives content that is well formed, without NUL, of the same length', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const received = receive(text, { max_bytes: 1000 });
        if (!received.ok) return;
        expect(received.content.isWellFormed()).toBe(true);
        expect(received.content).not.toContain('\0');
        expect(received.content).toHaveLength(text.length);
      }),
    );
  });
});
