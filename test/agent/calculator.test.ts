// SPDX-License-Identifier: Apache-2.0
// The calculator: precedence, functions, honesty about digits, errors in words, random trees and random text.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calculate } from '../../src/agent/tools/arithmetic.ts';
import { usualRuns } from '../drawn.ts';

describe('results', () => {
  it.each([
    ['17*23', '391'],
    ['(3+4)/2', '3.5'],
    ['2^10', '1024'],
    ['2**3', '8'],
    ['2^3^2', '512'],
    ['-2^2', '-4'],
    ['(-2)^2', '4'],
    ['--2^2', '4'],
    ['2^-1', '0.5'],
    ['2 - -3', '5'],
    ['10 - 4 - 3', '3'],
    ['8 - 4', '4'],
    ['100 / 10 / 5', '2'],
    ['17 % 5', '2'],
    ['-7 % 3', '-1'],
    ['1 + 2 * 3 ^ 2', '19'],
    ['0.1 + 0.2', '0.3'],
    ['1e3 + .5', '1000.5'],
    ['sqrt(16) + abs(-3)', '7'],
    ['round(2.5) + round(-2.5)', '0'],
    ['floor(-1.5)', '-2'],
    ['ceil(1.2)', '2'],
    ['min(3, 1, 2) + max(1, (2), 3)', '4'],
    ['log(1000)', '3'],
    ['log(8, 2)', '3'],
    ['ln(e)', '1'],
    ['cos(0) + sin(0) + tan(0)', '1'],
    ['6 × 7 ÷ 2 − 1', '20'],
    ['0 * -1', '0'],
    ['PI', '3.14159265358979'],
    ['9007199254740991', '9007199254740991'],
  ])('%s = %s', (text, result) => {
    expect(calculate(text)).toMatchObject({ ok: true, result });
  });

  it.each([
    '1/3',
    '2^100',
    '9007199254740993',
    '2^53 + 1',
    '1e16 + 1 - 1e16',
    '1 + 1e-20',
    '10^-400',
    '1e-400',
    'pi',
    '1e14 + 0.3',
    'sin(pi)',
  ])('%s is said to be rounded', (text) => {
    expect(calculate(text)).toMatchObject({ ok: true, rounded: true });
  });

  it.each(['17*23', '0.1 + 0.2', '1/8', '2^52 - 1', '8 - 4', '0 + 5', '5 - 0', '3 - 3', '0 * 5'])(
    '%s is not',
    (text) => {
      expect(calculate(text)).toMatchObject({ ok: true, rounded: false });
    },
  );
});

describe('errors', () => {
  it.each([
    ['', /empty/],
    ['1/0', /Division by zero/],
    ['0^-1', /Division by zero/],
    ['5 % 0', /Division by zero/],
    ['sqrt(-1)', /sqrt\(-1\) is not a real number/],
    ['ln(0)', /not a real number/],
    ['log(5, 1)', /not a real number/],
    ['(-8)^(1/3)', /not a real number/],
    ['10^400', /too large/],
    ['1e999', /too large/],
    ['2 +', /cannot be read/],
    ['()', /cannot be read/],
    ['(1', /cannot be read/],
    ['1 2', /Only numbers/],
    ['1, 2', /Only numbers/],
    ['x + 1', /no such name: x/],
    ['foo(1)', /no such function: foo/],
    ['constructor', /no such name/],
    ['constructor("return 1")()', /no such function/],
    ['sqrt.constructor("x")', /no such function/],
    ['[1][0]', /Only numbers/],
    ['"a" + "b"', /Only numbers/],
    ['this', /Only numbers/],
    ['sqrt()', /takes 1 argument\./],
    ['sqrt(1, 2)', /takes 1 argument\./],
    ['log(1, 2, 3)', /takes 1 to 2 arguments/],
    ['1 == 1', /cannot be read/],
    ['true', /no such name/],
    ['1'.repeat(1001), /longer than 1000/],
    [`${'('.repeat(65)}1${')'.repeat(65)}`, /nests deeper/],
    [`${'-'.repeat(65)}1`, /nests deeper/],
    [`1${'^1'.repeat(65)}`, /nests deeper/],
  ])('%s', (text, message) => {
    expect(calculate(text)).toEqual({ ok: false, message: expect.stringMatching(message) });
  });
});

/** An expression and the value it must have, made side by side. */
interface Reference {
  readonly text: string;
  readonly value: number;
}

const { tree } = fc.letrec<{ tree: Reference; leaf: Reference; signed: Reference; node: Reference }>((tie) => ({
  tree: fc.oneof({ maxDepth: 6, withCrossShrink: true }, tie('leaf'), tie('node'), tie('signed')),
  leaf: fc
    .oneof(
      fc.nat({ max: 1000 }),
      fc.nat({ max: 100_000 }).map((n) => n / 100),
    )
    .map((value) => ({ text: String(value), value })),
  signed: tie('tree').map(({ text, value }) => ({ text: `-(${text})`, value: -value })),
  node: fc
    .tuple(tie('tree'), fc.constantFrom('+', '-', '*', '/', '%', '^'), tie('tree'), fc.constantFrom('', ' '))
    .map(([a, sign, b, space]) => ({
      text: `(${a.text})${space}${sign}${space}(${b.text})`,
      value:
        {
          '+': a.value + b.value,
          '-': a.value - b.value,
          '*': a.value * b.value,
          '/': a.value / b.value,
          '%': a.value % b.value,
          '^': a.value ** b.value,
        }[sign] ?? Number.NaN,
    })),
}));

describe('any expression', () => {
  it('agrees with a reference evaluator, or says what is wrong', () => {
    fc.assert(
      fc.property(tree, ({ text, value }) => {
        fc.pre(text.length <= 1000);
        const calculated = calculate(text);
        if (!calculated.ok) return;
        const result = Number(calculated.result);
        expect(Math.abs(result - value)).toBeLessThanOrEqual(Math.abs(value) * 1e-14);
      }),
      { numRuns: usualRuns(1000) },
    );
  });

  it('follows precedence without parentheses as JavaScript does for + - * / %', () => {
    const flat = fc.array(fc.tuple(fc.integer({ min: 1, max: 99 }), fc.constantFrom('+', '-', '*', '/', '%')), {
      minLength: 1,
      maxLength: 12,
    });
    fc.assert(
      fc.property(flat, (parts) => {
        const text = `${parts.map(([number, sign]) => `${number} ${sign} `).join('')}7`;
        const reference: unknown = new Function(`return ${text}`)();
        const calculated = calculate(text);
        // It is shown with fifteen digits, wherever the point is among them.
        const within = Math.max(5e-7, Math.abs(Number(reference)) * 1e-14);
        if (calculated.ok) expect(Math.abs(Number(calculated.result) - Number(reference))).toBeLessThanOrEqual(within);
        else expect(calculated.message).toBe('Division by zero.');
      }),
    );
  });

  it('never throws on any text, and a number it gives is one', () => {
    const piece = fc.constantFrom(
      '1',
      '0',
      '.',
      'e',
      '+',
      '-',
      '*',
      '/',
      '^',
      '%',
      '(',
      ')',
      ',',
      'sqrt(',
      'log(',
      ' ',
      '[',
      '"',
      'pi',
      'x',
      '!',
      '?',
      ':',
      '\\',
      '`',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 40 }).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (given) => {
        const calculated = calculate(given);
        if (calculated.ok) expect(Number.isFinite(Number(calculated.result))).toBe(true);
        else expect(calculated.message).not.toBe('');
      }),
      { numRuns: usualRuns(2000) },
    );
  });
});
