// SPDX-License-Identifier: Apache-2.0
// A text as rules see it: compatibility forms, entities and invisible characters resolved, with the way back to where each unit stood.

/** A normalised text, and where its units were. */
export interface Normalised {
  readonly text: string;
  /** Where the unit at this place stood in the original: its first unit. `text.length` gives the original's end. */
  origin(at: number): number;
  /** Where what the units before this place stood for ended in the original. */
  end(at: number): number;
}

/** Zero-width characters, bidirectional controls, tags and other characters that are there and not seen. */
const INVISIBLE =
  '\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff';
/** Tag characters and variation selectors, beyond the first plane. */
const INVISIBLE_FAR = '\\u{e0000}-\\u{e01ef}';
const ENTITY = '&(?:#[xX][0-9a-fA-F]{1,6}|#[0-9]{1,7}|[a-zA-Z]{2,8});';

const NEEDED = new RegExp(`[^\\u0000-\\u007f]|${ENTITY}`);
/** Without looking at pairs of units, which is slow: their first unit tells enough. */
const ODD = new RegExp(`[${INVISIBLE}\\u0130\\udb40]|${ENTITY}`);
/** Entities, invisible characters, and runs of what is not ASCII, with a letter before them that marks belong to. */
const PIECES = new RegExp(
  `(${ENTITY})|([${INVISIBLE}${INVISIBLE_FAR}]{1,4096})|(?:[A-Za-z](?=\\p{M}))?[^\\u0000-\\u007f${INVISIBLE}${INVISIBLE_FAR}]{1,4096}`,
  'gu',
);
/** A character with the marks that follow it: what may become one. */
const CLUSTERS = /[\s\S]\p{M}{0,8}/gu;
const UNSEEN = new RegExp(`^[${INVISIBLE}${INVISIBLE_FAR}]$`, 'u');

/** The entities that are used to hide something, and those every page has. */
const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
  ensp: ' ',
  emsp: ' ',
  thinsp: ' ',
  Tab: '\t',
  NewLine: '\n',
  colon: ':',
  comma: ',',
  period: '.',
  excl: '!',
  num: '#',
  lpar: '(',
  rpar: ')',
  lsqb: '[',
  rsqb: ']',
  lowbar: '_',
  hyphen: '-',
  sol: '/',
  equals: '=',
  zwj: '',
  zwnj: '',
  shy: '',
  lrm: '',
  rlm: '',
};

/** Characters a cluster may become at most for each unit it had: some single ones stand for a sentence. */
const GROWTH = 4;
/** Clusters remembered in one text. */
const REMEMBERED = 4_096;

function entity(written: string): string | undefined {
  const name = written.slice(1, -1);
  if (!name.startsWith('#')) return NAMED[name];
  const hex = name[1] === 'x' || name[1] === 'X';
  const code = Number.parseInt(name.slice(hex ? 2 : 1), hex ? 16 : 10);
  if (!(code > 0 && code <= 0x10ffff) || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  const letter = String.fromCodePoint(code);
  return UNSEEN.test(letter) ? '' : letter.normalize('NFKC');
}

const same = (at: number): number => at;

/** A text as it is: nearly all are. */
function asIs(text: string): Normalised {
  return { text, origin: same, end: same };
}

/** NFKC, without invisible characters, HTML entities decoded once. */
export function normalise(text: string): Normalised {
  if (!NEEDED.test(text)) return asIs(text);
  if (!ODD.test(text) && text.normalize('NFKC') === text) return asIs(text);
  return rewrite(text);
}

/** Stretches that stayed as long as they were, in order: where each begins here and there. */
class Places {
  readonly #here: number[] = [0];
  readonly #there: number[] = [0];

  /** From this place on every unit stands for one, until the next stretch. */
  stretch(here: number, there: number): void {
    const last = this.#here.length - 1;
    if (this.#here[last] === here) this.#there[last] = there;
    else {
      this.#here.push(here);
      this.#there.push(there);
    }
  }

  /** The stretch a place lies in. */
  #at(place: number): number {
    let low = 0;
    let high = this.#here.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#here[middle] ?? 0) <= place) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  there(place: number): number {
    const at = this.#at(place);
    const next = this.#there[at + 1] ?? Number.POSITIVE_INFINITY;
    return Math.min((this.#there[at] ?? 0) + place - (this.#here[at] ?? 0), next);
  }
}

function rewrite(text: string): Normalised {
  const known = new Map<string, string>();
  const parts: string[] = [];
  const places = new Places();
  let kept = 0;
  let length = 0;
  const put = (part: string): void => {
    parts.push(part);
    length += part.length;
  };
  const replace = (from: number, to: number, by: string): void => {
    if (from > kept) put(text.slice(kept, from));
    places.stretch(length, from);
    if (by !== '') put(by);
    places.stretch(length, to);
    kept = to;
  };
  const composed = (cluster: string): string => {
    const before = known.get(cluster);
    if (before !== undefined) return before;
    const by = cluster === '\u0130' ? 'I' : cluster.normalize('NFKC');
    const kept_small = by.length > cluster.length * GROWTH ? cluster : by;
    if (known.size < REMEMBERED) known.set(cluster, kept_small);
    return kept_small;
  };
  for (const match of text.matchAll(PIECES)) {
    const [whole, coded, unseen] = match;
    const from = match.index;
    if (unseen !== undefined) replace(from, from + whole.length, '');
    else if (coded !== undefined) {
      const letter = entity(coded);
      if (letter !== undefined) replace(from, from + whole.length, letter);
    } else if (whole.includes('\u0130') || whole.normalize('NFKC') !== whole) {
      let at = from;
      for (const cluster of whole.match(CLUSTERS) ?? []) {
        const by = composed(cluster);
        if (by !== cluster) replace(at, at + cluster.length, by);
        at += cluster.length;
      }
    }
  }
  if (kept < text.length) put(text.slice(kept));
  const made = parts.join('');
  return {
    text: made,
    origin: (at) => Math.min(places.there(at), text.length),
    // What the last unit stood for, to its end.
    end: (at) => (at === 0 ? 0 : Math.max(Math.min(places.there(at), text.length), places.there(at - 1) + 1)),
  };
}

/** Latin letters with marks, by the one they are without: rules are written without marks, as many people write. */
const PLAIN = new Map<string, string>();
for (let code = 0xc0; code < 0x250; code += 1) {
  const letter = String.fromCharCode(code).toLowerCase();
  const [base = letter] = letter.normalize('NFD');
  if (letter.length === 1 && base !== letter && base < '\u0080') PLAIN.set(letter, base);
}
for (let code = 0x1e00; code < 0x1f00; code += 1) {
  const letter = String.fromCharCode(code).toLowerCase();
  const [base = letter] = letter.normalize('NFD');
  if (letter.length === 1 && base !== letter && base < '\u0080') PLAIN.set(letter, base);
}
for (const [letter, base] of ['łl', 'øo', 'ıi', 'đd', 'ħh', 'ŧt', 'œo', 'æa', "’'", "‘'", '“"', '”"', '„"', '«"', '»"'])
  if (letter !== undefined && base !== undefined) PLAIN.set(letter, base);

const MARKED = /[\u00c0-\u024f\u1e00-\u1eff\u2018-\u201e\u00ab\u00bb]/;
const MARKED_ALL = /[\u00c0-\u024f\u1e00-\u1eff\u2018-\u201e\u00ab\u00bb]/g;

/** A normalised text in lower case and without the marks of Latin letters, unit for unit. */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  // The one letter whose lower case is longer was resolved before; in a text of somebody else it is left alone.
  if (lower.length !== text.length) return fold(text.replaceAll('\u0130', 'I'));
  return MARKED.test(lower) ? lower.replace(MARKED_ALL, (letter) => PLAIN.get(letter) ?? letter) : lower;
}
