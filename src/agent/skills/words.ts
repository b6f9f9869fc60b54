// SPDX-License-Identifier: Apache-2.0
// Finding words and names in what somebody wrote: whole words of any script, in one pass over the text.

import { foldedText } from '../../stores/folded-text.ts';

/** A form in which what differs in case, width or composition is equal, and every gap is one space. */
export function plainForm(text: string): string {
  return foldedText(text).normalize('NFKC').replaceAll(/\s+/g, ' ');
}

const WORD = /[\p{L}\p{N}\p{M}_]/u;
/** Scripts whose words stand or grow together without spaces: an edge there is none that could be looked for. */
const JOINED =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]/u;

/** Whether a word that ends with `edge` ends there, when `beside` is what stands next to it. */
function parts(edge: string, beside: string): boolean {
  if (beside === '' || !WORD.test(beside) || !WORD.test(edge)) return true;
  return JOINED.test(edge) || JOINED.test(beside);
}

function charAt(text: string, at: number): string {
  const code = text.codePointAt(at);
  return code === undefined ? '' : String.fromCodePoint(code);
}

function charBefore(text: string, at: number): string {
  if (at <= 0) return '';
  const unit = text.charCodeAt(at - 1);
  return charAt(text, unit >= 0xdc00 && unit <= 0xdfff && at > 1 ? at - 2 : at - 1);
}

/** Whether what lies from `from` to `to` stands there as a word of its own. */
function wholeWord(text: string, from: number, to: number): boolean {
  return parts(charAt(text, from), charBefore(text, from)) && parts(charBefore(text, to), charAt(text, to));
}

/** Units of words that begin alike, one below the other; `ends` is whose words end here. */
interface Branch<T> {
  readonly next: Map<number, Branch<T>>;
  readonly ends: T[];
}

const branch = <T>(): Branch<T> => ({ next: new Map(), ends: [] });

/**
 * Words to be looked for, as a tree of their units: from each place in a text one way leads down it, no longer than a word,
 * however many words there are.
 */
export class WordFinder<T> {
  readonly #root: Branch<T> = branch();

  add(word: string, of: T): void {
    const form = plainForm(word).trim();
    if (form === '') return;
    let at = this.#root;
    for (let unit = 0; unit < form.length; unit += 1) {
      const code = form.charCodeAt(unit);
      let below = at.next.get(code);
      if (below === undefined) {
        below = branch();
        at.next.set(code, below);
      }
      at = below;
    }
    at.ends.push(of);
  }

  /** Whose words stand in a text that is in its {@link plainForm}. */
  find(text: string): ReadonlySet<T> {
    const found = new Set<T>();
    if (this.#root.next.size === 0) return found;
    for (let from = 0; from < text.length; from += 1) {
      let at = this.#root.next.get(text.charCodeAt(from));
      for (let to = from + 1; at !== undefined; to += 1) {
        if (at.ends.length > 0 && wholeWord(text, from, to)) for (const of of at.ends) found.add(of);
        at = at.next.get(text.charCodeAt(to));
      }
    }
    return found;
  }
}

/** How often one message is heard asking. */
const ASKS_MOST = 32;
const ASKS = /USE SKILL ?: ?["'`“‘«]?/g;
/** What a name that nobody has is told as: up to where it could end. */
const UNKNOWN = /^[\p{L}\p{N}\p{M}_-]{1,64}/u;

/** What `use skill: NAME` names in a text, in its {@link plainForm}. */
export interface AskedFor<T> {
  readonly found: ReadonlySet<T>;
  /** Names that nobody has, as far as they can be told. */
  readonly unknown: readonly string[];
}

/** @param names in their plain forms */
export function askedFor<T>(text: string, names: ReadonlyMap<string, T>): AskedFor<T> {
  const found = new Set<T>();
  const unknown = new Set<string>();
  let asks = 0;
  for (const match of text.matchAll(ASKS)) {
    asks += 1;
    if (asks > ASKS_MOST) break;
    if (!parts('U', charBefore(text, match.index))) continue;
    const at = match.index + match[0].length;
    let longest: { readonly length: number; readonly of: T } | undefined;
    for (const [name, of] of names) {
      const end = at + name.length;
      const next = charAt(text, end);
      // A hyphen goes on with a name, but not one at the end of a phrase.
      const goesOn = WORD.test(next) || (next === '-' && WORD.test(charAt(text, end + 1)));
      if (name.length > (longest?.length ?? 0) && text.startsWith(name, at) && !goesOn)
        longest = { length: name.length, of };
    }
    if (longest !== undefined) found.add(longest.of);
    else {
      const [written] = UNKNOWN.exec(text.slice(at, at + 256)) ?? [];
      if (written !== undefined) unknown.add(written.toLowerCase());
    }
  }
  return { found, unknown: [...unknown].slice(0, 5) };
}
