// SPDX-License-Identifier: Apache-2.0
// The two kernels of the scan agree to the last bit, and the WebAssembly that is checked in is what the script writes.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainMemory, type ScanMemory, simdMemory } from '../../../src/stores/scan/kernel.ts';
import { KERNEL_BYTES } from '../../../src/stores/scan/kernel-bytes.ts';
import { CODES_AT, QUERY_AT, strideOf } from '../../../src/stores/scan/layout.ts';
import { kernelBytes } from '../../../tools/scan-kernel.ts';
import { usualRuns } from '../../drawn.ts';

const codes = fc.integer({ min: -127, max: 127 });
const words = fc.integer({ min: -32_767, max: 32_767 });

describe('the kernel of the scan', () => {
  it('is what the script puts together', () => {
    expect(KERNEL_BYTES).toBe(Buffer.from(kernelBytes()).toString('base64'));
  });

  it('gives the same in WebAssembly and in JavaScript', () => {
    const simd = simdMemory();
    if (simd === null) throw new Error('this machine has no SIMD to try');
    const memories: readonly ScanMemory[] = [simd, plainMemory()];
    const cases = fc
      .tuple(fc.integer({ min: 1, max: 80 }), fc.integer({ min: 1, max: 3 }))
      .chain(([dimensions, fours]) =>
        fc.record({
          stride: fc.constant(strideOf(dimensions)),
          rows: fc.constant(fours * 4),
          query: fc.array(words, { minLength: dimensions, maxLength: dimensions }),
          rest: fc.array(codes, { minLength: dimensions, maxLength: strideOf(dimensions) * fours * 4 }),
          first: fc.integer({ min: 0, max: 3 }),
        }),
      );
    fc.assert(
      fc.property(cases, ({ stride, rows, query, rest, first }) => {
        const at = CODES_AT + first * stride;
        const [one, other] = memories.map((memory) => {
          memory.grow(at + rows * stride);
          new Int8Array(memory.buffer, at, rows * stride).fill(0).set(rest);
          new Int16Array(memory.buffer, QUERY_AT, stride).fill(0).set(query);
          memory.dots(at, rows, stride);
          return [...new Int32Array(memory.buffer, 0, rows)];
        });
        expect(one).toEqual(other);
        const sums = Array.from({ length: rows }, (_, row) =>
          query.reduce((sum, value, place) => sum + value * (rest[row * stride + place] ?? 0), 0),
        );
        expect(one).toEqual(sums);
      }),
      { numRuns: usualRuns(1_000) },
    );
  });
});
