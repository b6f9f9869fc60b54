// SPDX-License-Identifier: Apache-2.0
// How much of what attacks is found, and how little of what does not is refused: on what rules were written from, and on what not.

import { describe, expect, it } from 'vitest';
import { measure, samples } from './corpus.ts';

describe('the corpus', () => {
  it('is large, of many languages, each line once, a third of it held out', () => {
    const [injections, harmless] = [samples('injections'), samples('harmless')];
    expect(injections.length).toBeGreaterThanOrEqual(150);
    expect(harmless.length).toBeGreaterThanOrEqual(300);
    expect(new Set([...injections, ...harmless].map(({ text }) => text)).size).toBe(
      injections.length + harmless.length,
    );
    for (const kind of [injections, harmless]) {
      expect(new Set(kind.map(({ language }) => language)).size).toBeGreaterThanOrEqual(16);
      expect(kind.filter(({ part }) => part === 'held').length / kind.length).toBeGreaterThan(0.28);
    }
  });

  it.each(['rules', 'held'] as const)('is told apart: the part %s', (part) => {
    const { injections, blocked, harmless, refused } = measure(part);
    expect(blocked / injections).toBeGreaterThanOrEqual(0.9);
    expect(refused / harmless).toBeLessThanOrEqual(0.01);
  });
});
