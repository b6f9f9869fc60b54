// SPDX-License-Identifier: Apache-2.0
// Turns from end to end with the offline model and the real tools: sums, time, remembering and finding again.

import { describe, expect, it } from 'vitest';
import { createHistory, turn } from './offline-turn.ts';

describe('a turn with the offline model', () => {
  const table: readonly (readonly [string, RegExp, readonly string[]])[] = [
    ['what is 17*23?', /^17\*23 = 391$/, ['calculator']],
    ['12% of 80', /= 9\.6$/, ['calculator']],
    ["what's 2^10", /= 1024$/, ['calculator']],
    ['what is 1/3?', /≈ 0\.333333333333333 \(rounded\)/, ['calculator']],
    ['what is 1/0?', /tool_failed: Division by zero/, ['calculator']],
    ['what is 2+*3?', /tool_failed: The expression cannot be read/, ['calculator']],
    ['what time is it?', /^It is 03:04:05 on Thursday, 2 January 2025 \(UTC\)\.$/, ['clock']],
    ['what time is it in Tokyo?', /^It is 12:04:05 on Thursday, 2 January 2025 \(Asia\/Tokyo\)\.$/, ['clock']],
    ['what time is it in Middle/Earth?', /tool_failed: There is no time zone "Middle\/Earth"/, ['clock']],
    ['what is 2+2 and what time is it?', /^2\+2 = 4\nIt is 03:04:05/, ['calculator', 'clock']],
    ['what do you know about tea?', /found nothing about “tea”/, ['memory_search']],
  ];
  it.each(table)('%s', async (sentence, answer, tools) => {
    const said = await turn(createHistory(), 'turn', sentence);
    expect(said.answer).toMatch(answer);
    expect(said.called).toEqual(tools);
  });

  it.each(['history', 'facts'] as const)(
    'finds in a later session what it was asked to remember, however often it is asked (%s)',
    async (kept_in) => {
      const history = createHistory(kept_in);
      const kept = await turn(history, 'first', 'remember that my favourite tea is oolong');
      expect(kept.answer).toMatch(/I will remember: my favourite tea is oolong/);
      expect(kept.answer.includes('history')).toBe(kept_in === 'history');
      for (const id of ['second', 'third', 'fourth']) {
        const found = await turn(history, id, 'what do you know about tea?');
        expect(found.answer).toBe(
          'This is what I found about “tea”:\n- “my favourite tea is oolong” (remembered 2025-01-02)',
        );
      }
      expect((await turn(history, 'fifth', 'what do you know about me?')).answer).toMatch(
        /remember that my favourite tea is oolong/,
      );
    },
  );
});
