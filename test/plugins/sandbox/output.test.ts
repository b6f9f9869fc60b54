// SPDX-License-Identifier: Apache-2.0
// What is kept of what a program writes.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import { BoundedOutput } from '../../../src/plugins/sandbox/output.ts';
import { usualRuns } from '../../drawn.ts';

const KEPT = 16_384;

function textOf(whole: Buffer, cuts: readonly number[]): string {
  const output = new BoundedOutput();
  let from = 0;
  for (const to of [...cuts].sort((a, b) => a - b)) {
    output.take(whole.subarray(from, to));
    from = to;
  }
  output.take(whole.subarray(from));
  return output.text();
}

describe('the output of a program', () => {
  it('is its beginning and its end, however it comes', () => {
    const sizes = fc.oneof(
      fc.nat(100),
      fc.integer({ min: KEPT - 2, max: KEPT + 2 }),
      fc.integer({ min: 2 * KEPT - 2, max: 2 * KEPT + 2 }),
      fc.nat(200_000),
    );
    const property = fc.property(sizes, fc.array(fc.nat(200_000), { maxLength: 20 }), (size, at) => {
      const whole = Buffer.from(Array.from({ length: size }, (_, n) => 97 + (n % 26)));
      const text = textOf(
        whole,
        at.map((cut) => Math.min(cut, size)),
      );
      const most = 2 * KEPT;
      const note = `\n[${size - most} bytes are left out here]\n`;
      const cut = whole.subarray(0, KEPT).toString() + note + whole.subarray(Math.max(size - KEPT, 0)).toString();
      return text === (size <= most ? whole.toString() : cut);
    });
    fc.assert(property, { numRuns: usualRuns(200) });
  });
});
