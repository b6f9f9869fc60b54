// SPDX-License-Identifier: Apache-2.0
// Reads a sum out of words and signs ("12% of 80", "17 times 23") and writes it as the calculator takes it.

type Kind = 'number' | 'name' | 'sign' | 'open' | 'close' | 'comma' | 'percent' | 'of';

interface Token {
  readonly kind: Kind;
  readonly text: string;
}

const FUNCTIONS = new Set(['sqrt', 'abs', 'round', 'floor', 'ceil', 'min', 'max', 'log', 'ln', 'sin', 'cos', 'tan']);
const CONSTANTS = new Set(['pi', 'e']);

const token = (kind: Kind, text: string): Token => ({ kind, text });

const SIGNS: ReadonlyMap<string, Token> = new Map([
  ...['+', '-', '*', '/', '^'].map((sign) => [sign, token('sign', sign)] as const),
  ...['×', '·', '⋅', '∙'].map((sign) => [sign, token('sign', '*')] as const),
  ['÷', token('sign', '/')],
  ['−', token('sign', '-')],
  ['–', token('sign', '-')],
  ['²', token('sign', '^2')],
  ['³', token('sign', '^3')],
  ['%', token('percent', '%')],
  ['(', token('open', '(')],
  [')', token('close', ')')],
  ['π', token('name', 'pi')],
  ['√', token('name', 'sqrt')],
]);

/** Words by what they stand for; the longest phrase that fits is taken. */
const PHRASES: readonly (readonly [readonly string[], Token])[] = (
  [
    ['to the power of', token('sign', '^')],
    ['square root of', token('name', 'sqrt')],
    ['multiplied by', token('sign', '*')],
    ['divided by', token('sign', '/')],
    ['per cent', token('percent', '%')],
    ['percent', token('percent', '%')],
    ['plus', token('sign', '+')],
    ['minus', token('sign', '-')],
    ['times', token('sign', '*')],
    ['x', token('sign', '*')],
    ['over', token('sign', '/')],
    ['mod', token('sign', '%')],
    ['modulo', token('sign', '%')],
    ['squared', token('sign', '^2')],
    ['cubed', token('sign', '^3')],
    ['of', token('of', 'of')],
  ] as const
).map(([phrase, meaning]) => [phrase.split(' '), meaning]);

const isDigit = (text: string, at: number): boolean => {
  const unit = text.charCodeAt(at);
  return unit >= 48 && unit <= 57;
};

const isLetter = (text: string, at: number): boolean => {
  const unit = text.charCodeAt(at) | 32;
  return unit >= 97 && unit <= 122;
};

function endOf(text: string, from: number, is: (text: string, at: number) => boolean): number {
  let at = from;
  while (at < text.length && is(text, at)) at += 1;
  return at;
}

/** A number from `at` on, with the commas between its thousands left out. */
function readNumber(text: string, from: number, thousands: boolean): { readonly end: number; readonly number: string } {
  let at = endOf(text, from, isDigit);
  let number = text.slice(from, at);
  while (thousands && text.charAt(at) === ',' && endOf(text, at + 1, isDigit) === at + 4) {
    number += text.slice(at + 1, at + 4);
    at += 4;
  }
  if (text.charAt(at) === '.' && (isDigit(text, at + 1) || number !== '')) {
    const end = endOf(text, at + 1, isDigit);
    number += text.slice(at, end);
    at = end;
  }
  if (text.charAt(at) === 'e' || text.charAt(at) === 'E') {
    const signed = text.charAt(at + 1) === '-' || text.charAt(at + 1) === '+' ? at + 2 : at + 1;
    const end = endOf(text, signed, isDigit);
    if (end > signed && !isLetter(text, end)) {
      number += text.slice(at, end);
      at = end;
    }
  }
  return { end: at, number };
}

/** Names and phrases from a run of letters on; undefined when a word has no place in a sum. */
function readName(text: string, from: number): { readonly end: number; readonly token: Token } | undefined {
  // Most words begin no phrase: the first is read once for all of them.
  const first = text.slice(from, endOf(text, from, isLetter)).toLowerCase();
  for (const [phrase, meaning] of PHRASES) {
    if (phrase[0] !== first) continue;
    let at = from;
    const fits = phrase.every((word) => {
      const start = text.charAt(at) === ' ' ? at + 1 : at;
      const end = endOf(text, start, isLetter);
      const same = text.slice(start, end).toLowerCase() === word;
      at = end;
      return same;
    });
    if (fits) return { end: at, token: meaning };
  }
  if (!FUNCTIONS.has(first) && !CONSTANTS.has(first)) return undefined;
  return { end: endOf(text, from, isLetter), token: token('name', first) };
}

function tokenise(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  /** For each open parenthesis, whether it holds a function's arguments: commas part those, elsewhere thousands. */
  const functions: boolean[] = [];
  let at = 0;
  while (at < text.length) {
    const sign = text.charAt(at);
    const known = SIGNS.get(sign);
    if (sign === ' ') {
      at += 1;
    } else if (isDigit(text, at) || (sign === '.' && isDigit(text, at + 1))) {
      const { end, number } = readNumber(text, at, functions.at(-1) !== true);
      tokens.push(token('number', number));
      at = end;
    } else if (known !== undefined) {
      if (known.kind === 'open') functions.push(FUNCTIONS.has(tokens.at(-1)?.text ?? ''));
      if (known.kind === 'close') functions.pop();
      const power = sign === '*' && text.charAt(at + 1) === '*';
      tokens.push(power ? token('sign', '^') : known);
      at += power ? 2 : 1;
    } else if (sign === ',' && functions.at(-1) === true) {
      tokens.push(token('comma', ','));
      at += 1;
    } else if (isLetter(text, at)) {
      const name = readName(text, at);
      if (name === undefined) return undefined;
      tokens.push(name.token);
      at = name.end;
    } else {
      return undefined;
    }
  }
  return tokens;
}

const startsOperand = (next: Token | undefined): boolean =>
  next !== undefined && (next.kind === 'number' || next.kind === 'open' || next.kind === 'name');

const endsOperand = (last: Token | undefined): boolean =>
  last !== undefined &&
  (last.kind === 'number' ||
    last.kind === 'close' ||
    CONSTANTS.has(last.text) ||
    last.text === '^2' ||
    last.text === '^3');

/** Percent signs, products without a sign and roots without parentheses, as the calculator has no such things. */
function rewrite(tokens: readonly Token[]): Token[] | undefined {
  const written: Token[] = [];
  const hundredth = [token('sign', '/'), token('number', '100')];
  let closeAfterNumber = false;
  for (const [index, current] of tokens.entries()) {
    const next = tokens[index + 1];
    const last = written.at(-1);
    if (current.kind === 'of') return undefined;
    if (current.kind === 'percent') {
      if (next?.kind === 'of')
        return rewrite([...tokens.slice(0, index), ...hundredth, token('sign', '*'), ...tokens.slice(index + 2)]);
      if (startsOperand(next)) written.push(token('sign', '%'));
      else if (last?.kind === 'number')
        written.splice(-1, 1, token('open', '('), last, ...hundredth, token('close', ')'));
      else written.push(...hundredth);
      continue;
    }
    if (endsOperand(last) && startsOperand(current)) {
      // Two numbers side by side are a telephone number or a list, no product.
      if (last?.kind === 'number' && current.kind === 'number') return undefined;
      written.push(token('sign', '*'));
    }
    written.push(current);
    if (closeAfterNumber) written.push(token('close', ')'));
    closeAfterNumber = FUNCTIONS.has(current.text) && next?.kind === 'number';
    if (closeAfterNumber) written.push(token('open', '('));
  }
  return written;
}

function isBalanced(tokens: readonly Token[]): boolean {
  let open = 0;
  for (const { kind } of tokens) {
    if (kind === 'open') open += 1;
    if (kind === 'close') open -= 1;
    if (open < 0) return false;
  }
  return open === 0;
}

/** `2024-05-06` and `07/08` are dates to everybody but a calculator. */
function looksLikeDate(tokens: readonly Token[]): boolean {
  const numbers = tokens.filter(({ kind }) => kind === 'number');
  if (numbers.some(({ text }) => text.length > 1 && text.startsWith('0') && !text.startsWith('0.'))) return true;
  const shape = tokens.map(({ kind, text }) => (kind === 'number' ? String(text.length) : text)).join('');
  return shape.startsWith('4-') && numbers.length === 3 && tokens.length === 5;
}

/** Whether a sign stands between two operands and the whole can be worked out: a sum even when nobody asked for one. */
function isWholeSum(tokens: readonly Token[]): boolean {
  const signed = tokens.some((current, index) => current.kind === 'sign' && endsOperand(tokens[index - 1]));
  const called = tokens.some((current, index) => FUNCTIONS.has(current.text) && tokens[index + 1]?.kind === 'open');
  return (signed || called) && endsOperand(tokens.at(-1)) && isBalanced(tokens) && !looksLikeDate(tokens);
}

const TRAILING = new Set('=?!.:,; ');

/** How clearly a sum was asked for: it stands by itself, after "what is", or after "calculate". */
export type Asking = 'bare' | 'what' | 'order';

/**
 * The sum a text is, in the calculator's own notation; undefined when it is none. After "what is" or an order it may
 * also be a broken sum: the calculator then says what is wrong with it.
 */
export function readSum(text: string, asking: Asking): string | undefined {
  let end = text.length;
  while (end > 0 && TRAILING.has(text.charAt(end - 1))) end -= 1;
  const tokens = tokenise(text.slice(0, end));
  const percent = tokens?.filter(({ kind }) => kind === 'percent').length ?? 0;
  // Each "% of" is rewritten by itself; a text full of them is no sum.
  if (tokens === undefined || percent > 16) return undefined;
  const written = rewrite(tokens);
  if (written === undefined || !written.some(({ kind, text: name }) => kind === 'number' || CONSTANTS.has(name)))
    return undefined;
  const signs = written.some(({ kind, text: name }) => kind === 'sign' || kind === 'name' || FUNCTIONS.has(name));
  const asked = asking === 'order' || (asking === 'what' && signs) || isWholeSum(written);
  return asked ? written.map(({ text: part }) => part).join('') : undefined;
}
