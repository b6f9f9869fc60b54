// SPDX-License-Identifier: Apache-2.0
// Finds many keywords in a text at the cost of reading it once (Aho and Corasick, 1975): what rules are worth trying, and where.

/** Keywords as one table: for each state and class of unit the next state. */
export class KeywordTable {
  readonly #classes = new Uint16Array(65_536);
  readonly #next: Uint16Array;
  /** For each state the keywords that end there. */
  readonly #found: (readonly number[] | undefined)[];
  readonly #width: number;

  constructor(keywords: readonly string[]) {
    let classes = 1;
    for (const keyword of keywords)
      for (let at = 0; at < keyword.length; at += 1) {
        const code = keyword.charCodeAt(at);
        if (this.#classes[code] === 0) {
          this.#classes[code] = classes;
          classes += 1;
        }
      }
    const trie: Map<number, number>[] = [new Map()];
    const found: (number[] | undefined)[] = [undefined];
    keywords.forEach((keyword, index) => {
      let state = 0;
      for (let at = 0; at < keyword.length; at += 1) {
        const unit = this.#classes[keyword.charCodeAt(at)] ?? 0;
        let to = trie[state]?.get(unit);
        if (to === undefined) {
          to = trie.push(new Map()) - 1;
          found.push(undefined);
          trie[state]?.set(unit, to);
        }
        state = to;
      }
      found[state] = [...(found[state] ?? []), index];
    });
    if (trie.length > 65_535) throw new Error('too many keywords for one table');
    const next = new Uint16Array(trie.length * classes);
    const fails = new Uint16Array(trie.length);
    const order = [0];
    for (let at = 0; at < order.length; at += 1) {
      const state = order[at] ?? 0;
      const fail = fails[state] ?? 0;
      if (state !== 0) {
        next.copyWithin(state * classes, fail * classes, (fail + 1) * classes);
        const inherited = found[fail];
        if (inherited !== undefined) found[state] = [...(found[state] ?? []), ...inherited];
      }
      for (const [unit, to] of trie[state] ?? []) {
        fails[to] = state === 0 ? 0 : (next[fail * classes + unit] ?? 0);
        next[state * classes + unit] = to;
        order.push(to);
      }
    }
    this.#width = classes;
    this.#next = next;
    this.#found = found;
  }

  /** Calls back with every keyword that ends before `end`, in the order in which they end. */
  scan(text: string, told: (keyword: number, end: number) => void): void {
    const next = this.#next;
    const classes = this.#classes;
    const width = this.#width;
    const { length } = text;
    let state = 0;
    for (let at = 0; at < length; at += 1) {
      state = next[state * width + (classes[text.charCodeAt(at)] ?? 0)] ?? 0;
      if (state === 0) continue;
      const found = this.#found[state];
      if (found !== undefined) for (const keyword of found) told(keyword, at + 1);
    }
  }
}
