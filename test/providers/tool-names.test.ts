// SPDX-License-Identifier: Apache-2.0
// Tools' names on their way to a vendor and back, and replies kept for their turns.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLAUDE_NAMES } from '../../src/providers/anthropic/request.ts';
import { GEMINI_NAMES } from '../../src/providers/google/request.ts';
import { createKeptReplies } from '../../src/providers/kept-replies.ts';
import { OPENAI_NAMES } from '../../src/providers/openai/provider.ts';
import { toolNames } from '../../src/providers/tool-names.ts';

const RULES = [
  ['Anthropic', CLAUDE_NAMES, /^[a-zA-Z0-9_-]{1,64}$/],
  ['OpenAI', OPENAI_NAMES, /^[a-zA-Z0-9_-]{1,64}$/],
  ['Google', GEMINI_NAMES, /^[a-zA-Z_][a-zA-Z0-9_.-]{0,63}$/],
] as const;

describe.each(RULES)("names as %s's API takes them", (_vendor, rule, taken) => {
  const name = fc.oneof(
    fc.string({ maxLength: 90 }),
    fc.stringMatching(/^[a-z_.:/]{1,70}$/),
    fc.constantFrom('a:b', 'a_b', 'a/b', 'a_b_2'),
  );

  it('come back as they were, and no two are sent as one', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 12 }), fc.array(name, { maxLength: 3 }), (tools, gone) => {
        const names = toolNames(tools, rule);
        const all = [...new Set([...tools, ...gone])];
        const sent = all.map(names.sent);
        expect(sent.every((one) => taken.test(one))).toBe(true);
        expect(new Set(sent).size).toBe(all.length);
        expect(sent.map(names.ours)).toEqual(all);
        for (const tool of tools) if (taken.test(tool)) expect(names.sent(tool)).toBe(tool);
      }),
    );
  });
});

describe('kept replies', () => {
  it('hold no more than they may, and the newest of those', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.nat(12))), (all) => {
        const kept = createKeptReplies<number>(3, 20, (size) => size);
        const expected = new Map<string, number>();
        const total = (): number => [...expected.values()].reduce((sum, size) => sum + size, 0);
        for (const [id, size] of all) {
          kept.keep(id, size);
          expected.delete(id);
          expected.set(id, size);
          for (const oldest of expected.keys()) {
            if (expected.size <= 3 && total() <= 20) break;
            expected.delete(oldest);
          }
        }
        for (const id of ['a', 'b', 'c', 'd', 'e']) expect(kept.of(id)).toBe(expected.get(id));
      }),
    );
  });

  it('leave out one that is too large for all of them', () => {
    const kept = createKeptReplies<number>(3, 20, (size) => size);
    kept.keep('a', 5);
    kept.keep('b', 21);
    expect([kept.of('a'), kept.of('b')]).toEqual([5, undefined]);
  });
});
