// SPDX-License-Identifier: Apache-2.0
// The dialect rules are written in: regular expressions in which nothing repeats without a bound, read into a tree.

/** Inclusive ranges of UTF-16 units, sorted and apart. */
export type CharSet = readonly (readonly [from: number, to: number])[];

export type PatternNode =
  | { readonly kind: 'set'; readonly set: CharSet }
  | { readonly kind: 'sequence'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly of: readonly PatternNode[] }
  | { readonly kind: 'repeat'; readonly of: PatternNode; readonly least: number; readonly most: number }
  /** The unit before (or after) is one of the set, or is none: the edge of the text counts as none. */
  | { readonly kind: 'edge'; readonly side: 'before' | 'after'; readonly set: CharSet; readonly wanted: boolean };

/** A pattern that is not of the dialect, and why. */
export class PatternError extends Error {
  constructor(pattern: string, at: number, message: string) {
    super(`the pattern ${pattern} is refused at ${at}: ${message}`);
    this.name = 'PatternError';
  }
}

const LAST = 0xffff;
const DIGITS: CharSet = [[48, 57]];
const WORD: CharSet = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
/** What ECMAScript calls white space. */
const SPACE: CharSet = [
  [9, 13],
  [32, 32],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const NEWLINES: CharSet = [
  [10, 10],
  [13, 13],
  [0x2028, 0x2029],
];

export function union(sets: readonly CharSet[]): CharSet {
  const sorted = sets.flat().sort(([a], [b]) => a - b);
  const joined: [number, number][] = [];
  for (const [from, to] of sorted) {
    const last = joined.at(-1);
    if (last !== undefined && from <= last[1] + 1) last[1] = Math.max(last[1], to);
    else joined.push([from, to]);
  }
  return joined;
}

export function inverse(set: CharSet): CharSet {
  const out: [number, number][] = [];
  let next = 0;
  for (const [from, to] of union([set])) {
    if (from > next) out.push([next, from - 1]);
    next = to + 1;
  }
  if (next <= LAST) out.push([next, LAST]);
  return out;
}

export function common(one: CharSet, other: CharSet): CharSet {
  return inverse(union([inverse(one), inverse(other)]));
}

export function overlap(one: CharSet, other: CharSet): boolean {
  return one.some(([from, to]) => other.some(([first, last]) => from <= last && first <= to));
}

export function has(set: CharSet, code: number): boolean {
  return set.some(([from, to]) => code >= from && code <= to);
}

const CLASSES: Readonly<Record<string, CharSet>> = {
  d: DIGITS,
  D: inverse(DIGITS),
  w: WORD,
  W: inverse(WORD),
  s: SPACE,
  S: inverse(SPACE),
};
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9 };

/** @throws PatternError for anything whose cost has no bound, and for what the dialect has no words for */
export function parsePattern(pattern: string): PatternNode {
  let at = 0;

  const refuse = (message: string): never => {
    throw new PatternError(pattern, at, message);
  };
  const peek = (text: string): boolean => pattern.startsWith(text, at);
  const take = (text: string): boolean => {
    if (!peek(text)) return false;
    at += text.length;
    return true;
  };

  const escaped = (): CharSet => {
    const letter = pattern[at] ?? refuse('it ends in a backslash');
    at += 1;
    const known = CLASSES[letter];
    if (known !== undefined) return known;
    const control = CONTROLS[letter];
    if (control !== undefined) return [[control, control]];
    if (letter === 'u') {
      const digits = /^[0-9a-fA-F]{4}/.exec(pattern.slice(at))?.[0] ?? refuse('\\u needs four hexadecimal digits');
      at += 4;
      const code = Number.parseInt(digits, 16);
      return [[code, code]];
    }
    if (/[a-zA-Z0-9]/.test(letter)) refuse(`\\${letter} is not of the dialect`);
    return [[letter.charCodeAt(0), letter.charCodeAt(0)]];
  };

  const unit = (): CharSet => {
    if (take('\\')) return escaped();
    const code = pattern.charCodeAt(at);
    at += 1;
    return [[code, code]];
  };

  const bracket = (): CharSet => {
    const not = take('^');
    const sets: CharSet[] = [];
    while (!peek(']')) {
      if (at >= pattern.length) refuse('a class without its end');
      const from = unit();
      const single = from.length === 1 && from[0]?.[0] === from[0]?.[1];
      if (single && peek('-') && pattern[at + 1] !== ']') {
        at += 1;
        const [[low] = [0]] = from;
        const [[high] = [0]] = unit();
        if (high < low) refuse('a range that goes backwards');
        sets.push([[low, high]]);
      } else sets.push(from);
    }
    at += 1;
    return not ? inverse(union(sets)) : union(sets);
  };

  /** The same few classes stand in all rules. */
  const knownBracket = (): CharSet => {
    CLASS.lastIndex = at;
    const text = CLASS.exec(pattern)?.[0] ?? '';
    const known = BRACKETS.get(text);
    if (known !== undefined) {
      at += text.length;
      return known;
    }
    const set = bracket();
    if (BRACKETS.size < BRACKETS_MOST) BRACKETS.set(text, set);
    return set;
  };

  /** What stands in a look to one side: one unit, whichever it is. */
  const one = (): CharSet => {
    const set = take('[') ? knownBracket() : unit();
    if (!take(')')) refuse('only one unit may be looked at');
    return set;
  };

  const atom = (): PatternNode => {
    for (const [text, side, wanted] of LOOKS) if (take(text)) return { kind: 'edge', side, set: one(), wanted };
    if (take('(?:')) {
      const inside = choice();
      if (!take(')')) refuse('a group without its end');
      return inside;
    }
    if (peek('(')) refuse('only (?:…) groups');
    if (take('[')) return { kind: 'set', set: knownBracket() };
    if (take('.')) return { kind: 'set', set: inverse(NEWLINES) };
    if (peek('*') || peek('+') || peek('{') || peek('?')) refuse('a repetition of nothing, or one without a bound');
    if (peek('^') || peek('$')) refuse('rules match anywhere: look at the unit beside instead');
    if (peek('\\b')) refuse('\\b: look at the unit beside instead');
    return { kind: 'set', set: unit() };
  };

  const repeated = (): PatternNode => {
    const of = atom();
    let least = 1;
    let most = 1;
    if (take('?')) least = 0;
    else if (take('{')) {
      const bounds = /^(\d+)(?:,(\d+))?\}/.exec(pattern.slice(at)) ?? refuse('a repetition without a bound');
      least = Number(bounds[1]);
      most = Number(bounds[2] ?? bounds[1]);
      at += bounds[0].length;
      if (most < least || most === 0) refuse('a repetition of nothing');
    } else if (peek('*') || peek('+')) refuse('a repetition without a bound');
    else return of;
    if (peek('?') || peek('+') || peek('*') || peek('{')) refuse('a repetition of a repetition');
    if (of.kind === 'edge') refuse('a look that is repeated');
    return { kind: 'repeat', of, least, most };
  };

  const sequence = (): PatternNode => {
    const items: PatternNode[] = [];
    while (at < pattern.length && !peek('|') && !peek(')')) items.push(repeated());
    const [only] = items;
    return items.length === 1 && only !== undefined ? only : { kind: 'sequence', items };
  };

  const choice = (): PatternNode => {
    const of = [sequence()];
    while (take('|')) of.push(sequence());
    const [only] = of;
    return of.length === 1 && only !== undefined ? only : { kind: 'choice', of };
  };

  const tree = choice();
  if (at < pattern.length) refuse('a group that was not begun');
  return tree;
}

/** A class after its opening bracket, to its end. */
const CLASS = /(?:\\.|[^\]\\])*\]/y;
const BRACKETS = new Map<string, CharSet>();
const BRACKETS_MOST = 512;

const LOOKS = [
  ['(?<!', 'before', false],
  ['(?<=', 'before', true],
  ['(?!', 'after', false],
  ['(?=', 'after', true],
] as const;
