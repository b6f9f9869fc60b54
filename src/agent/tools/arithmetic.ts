// SPDX-License-Identifier: Apache-2.0
// Works out a parsed expression in doubles, and knows when the result is only near the truth.

import { GROUP, type Node, parseExpression } from './expression.ts';

/** A value, and whether a rounding on the way makes its digits doubtful. */
interface Value {
  readonly value: number;
  readonly rounded: boolean;
}

/** What is wrong with an expression; thrown within this file only. */
class Wrong extends Error {}

const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ['pi', Math.PI],
  ['e', Math.E],
]);

interface Function {
  readonly least: number;
  readonly most: number;
  readonly apply: (...args: readonly number[]) => number;
}

const one = (apply: (x: number) => number): Function => ({ least: 1, most: 1, apply: (x = 0) => apply(x) });

function logarithm(x: number, base: number): number {
  if (base === 10) return Math.log10(x);
  return base === 2 ? Math.log2(x) : Math.log(x) / Math.log(base);
}

const FUNCTIONS: ReadonlyMap<string, Function> = new Map([
  ['sqrt', one((x) => Math.sqrt(x))],
  ['abs', one((x) => Math.abs(x))],
  // Halves go away from zero, as people round, and not towards infinity as doubles' own rounding does.
  ['round', one((x) => Math.sign(x) * Math.round(Math.abs(x)))],
  ['floor', one((x) => Math.floor(x))],
  ['ceil', one((x) => Math.ceil(x))],
  ['ln', one((x) => Math.log(x))],
  ['sin', one((x) => Math.sin(x))],
  ['cos', one((x) => Math.cos(x))],
  ['tan', one((x) => Math.tan(x))],
  ['log', { least: 1, most: 2, apply: (x = 0, base = 10) => logarithm(x, base) }],
  ['min', { least: 1, most: 100, apply: (...args) => Math.min(...args) }],
  ['max', { least: 1, most: 100, apply: (...args) => Math.max(...args) }],
]);

/** Lets a result pass when it is a number; whole numbers a double cannot tell from their neighbours are rounded. */
function checked(value: number, rounded: boolean, what: string): Value {
  if (Number.isNaN(value)) throw new Wrong(`${what} is not a real number.`);
  if (!Number.isFinite(value)) throw new Wrong(`${what} is too large: numbers here end at about 1.8e308.`);
  return { value, rounded: rounded || Math.abs(value) > Number.MAX_SAFE_INTEGER };
}

function power(base: number, exponent: number): number {
  if (base === 0 && exponent < 0) throw new Wrong('Division by zero.');
  return base ** exponent;
}

function binary(sign: string, a: Value, b: Value): Value {
  const rounded = a.rounded || b.rounded;
  const [x, y] = [a.value, b.value];
  const what = `${show(x)} ${sign} ${show(y)}`;
  switch (sign) {
    case '+':
    case '-': {
      const sum = sign === '+' ? x + y : x - y;
      // A part too small to be seen beside the other is lost without a trace in the digits.
      const lost = (y !== 0 && sum === x) || (x !== 0 && sum === (sign === '+' ? y : -y));
      return checked(sum, rounded || lost, what);
    }
    case '*':
      return checked(x * y, rounded || (x * y === 0 && x !== 0 && y !== 0), what);
    case '/':
      if (y === 0) throw new Wrong('Division by zero.');
      return checked(x / y, rounded || (x / y === 0 && x !== 0), what);
    case '%':
      if (y === 0) throw new Wrong('Division by zero.');
      return checked(x % y, rounded, what);
    case '^':
    case '**':
      return checked(power(x, y), rounded || (power(x, y) === 0 && x !== 0), what);
    default:
      throw new Wrong(`The operator ${sign} is not known.`);
  }
}

function unary(sign: string, { value, rounded }: Value): Value {
  return { value: sign === '-' ? -value : value, rounded };
}

const isNode = (part: unknown): part is Node => typeof part === 'object' && part !== null && 'type' in part;

function part(node: Node, key: string): Node {
  const found = node[key];
  if (!isNode(found)) throw new Wrong('The expression is incomplete.');
  return found;
}

/** A power binds tighter than the sign in front of it: `-2^2` is -4. The parser has it the other way round. */
function raise(base: Node, exponent: Value, sign: string): Value {
  if (base.type !== 'UnaryExpression') return binary(sign, evaluate(base), exponent);
  return unary(String(base['operator']), raise(part(base, 'argument'), exponent, sign));
}

function call(node: Node): Value {
  const callee = part(node, 'callee');
  const name = callee.type === 'Identifier' ? String(callee['name']).toLowerCase() : '';
  const known = FUNCTIONS.get(name);
  if (known === undefined) throw new Wrong(`There is no such function${name === '' ? '' : `: ${name}`}.`);
  const given = node['arguments'];
  const args = Array.isArray(given) ? given.map((arg) => (isNode(arg) ? evaluate(arg) : undefined)) : [];
  const values = args.filter((arg) => arg !== undefined);
  if (values.length !== args.length || values.length < known.least || values.length > known.most) {
    const takes = known.least === known.most ? `${known.least}` : `${known.least} to ${known.most}`;
    throw new Wrong(`${name} takes ${takes} argument${known.most === 1 ? '' : 's'}.`);
  }
  const numbers = values.map(({ value }) => value);
  const what = `${name}(${numbers.map(show).join(', ')})`;
  const result = known.apply(...numbers);
  // The logarithm of 0 is no overflow: it does not exist.
  if ((name === 'log' || name === 'ln') && !Number.isFinite(result)) throw new Wrong(`${what} is not a real number.`);
  return checked(
    result,
    values.some(({ rounded }) => rounded),
    what,
  );
}

function literal(node: Node): Value {
  const raw = String(node['raw']);
  const value = node['value'];
  if (typeof value !== 'number') throw new Wrong(`Only numbers can be calculated with, not ${raw.slice(0, 40)}.`);
  const mantissa = raw.split(/e/i)[0] ?? '';
  return checked(value, value === 0 && /[1-9]/.test(mantissa), raw.slice(0, 40));
}

function evaluate(node: Node): Value {
  switch (node.type) {
    case GROUP:
      return evaluate(part(node, 'inside'));
    case 'Literal':
      return literal(node);
    case 'Identifier': {
      const name = String(node['name']);
      const value = CONSTANTS.get(name.toLowerCase());
      if (value === undefined) throw new Wrong(`There is no such name: ${name.slice(0, 40)}.`);
      return { value, rounded: false };
    }
    case 'UnaryExpression':
      return unary(String(node['operator']), evaluate(part(node, 'argument')));
    case 'BinaryExpression': {
      const sign = String(node['operator']);
      const right = evaluate(part(node, 'right'));
      const left = part(node, 'left');
      return sign === '^' || sign === '**' ? raise(left, right, sign) : binary(sign, evaluate(left), right);
    }
    case 'CallExpression':
      return call(node);
    default:
      throw new Wrong('Only numbers, + - * / % ^, parentheses and the known functions can be calculated with.');
  }
}

const DIGITS = 15;

/** A number as people write it, to 15 significant digits: those a double keeps. */
function show(value: number): string {
  if (Number.isSafeInteger(value)) return String(value === 0 ? 0 : value);
  return String(Number(value.toPrecision(DIGITS)));
}

/** Whether the digits shown are not all there is: they fill the 15, or the part behind the point has no room. */
function isCut(value: number, shown: string): boolean {
  if (Number.isSafeInteger(value)) return false;
  const digits = (shown.split('e')[0] ?? '').replace(/[-.]/g, '').replace(/^0+/, '');
  return digits.length >= DIGITS || Math.abs(value) >= 10 ** (DIGITS - 1);
}

export type Calculated =
  | { readonly ok: true; readonly result: string; readonly rounded: boolean }
  | { readonly ok: false; readonly message: string };

/** Calculates an expression, or says what is wrong with it; never throws. */
export function calculate(text: string): Calculated {
  const parsed = parseExpression(text);
  if (!parsed.ok) return parsed;
  try {
    const { value, rounded } = evaluate(parsed.tree);
    const result = show(value);
    return { ok: true, result, rounded: rounded || isCut(value, result) };
  } catch (thrown) {
    if (thrown instanceof Wrong) return { ok: false, message: thrown.message };
    return { ok: false, message: 'The expression cannot be calculated.' };
  }
}
