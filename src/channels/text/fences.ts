// SPDX-License-Identifier: Apache-2.0
// Where fenced code begins and ends in a Markdown text, also within quotes and lists, told from its lines alone.

export interface Fence {
  /** Where the line that opens it begins. */
  readonly begins: number;
  /** Where the first line of code begins. */
  readonly from: number;
  /** Where the line that closes it begins; the text's end where none does. */
  readonly to: number;
  /** The line that opens it again elsewhere, without its end. */
  readonly reopen: string;
  /** The line that closes it. */
  readonly close: string;
}

/** What may stand before a fence (quotes and marks of lists), the fence, and what follows it. */
const OPENING = /^((?:[ \t]|>|[-*+][ \t]|\d{1,9}[.)][ \t])*)(`{3,}|~{3,})([^\n]*)$/;

export class Fences {
  readonly #text: string;
  readonly #fences: Fence[] = [];
  readonly #begins: ReadonlySet<number>;

  /** @param longest a line that opens one and is longer is none: it would leave no room for code beside it */
  constructor(text: string, longest: number) {
    this.#text = text;
    let open: (Omit<Fence, 'to'> & { readonly mark: string; readonly quoted: boolean }) | null = null;
    for (let start = 0; start <= text.length; ) {
      const newline = text.indexOf('\n', start);
      const end = newline < 0 ? text.length : newline;
      const line = text.slice(start, end).replace(/\r$/, '');
      if (open === null) {
        const [, before = '', mark = '', info = ''] = OPENING.exec(line) ?? [];
        if (mark !== '' && line.length <= longest && newline >= 0 && !(mark.startsWith('`') && info.includes('`'))) {
          const indent = /[ \t]{0,3}$/.exec(before)?.[0] ?? '';
          const quote = before.includes('>')
            ? before.slice(0, before.lastIndexOf('>') + 1).replace(/[^> \t]/g, ' ')
            : '';
          const prefix = `${quote}${indent}`;
          open = {
            begins: start,
            from: end + 1,
            reopen: `${prefix}${mark}${info.trimEnd()}`,
            close: `${prefix}${mark}`,
            mark,
            quoted: quote !== '',
          };
        }
      } else if (closes(line, open.mark) || (open.quoted && !line.includes('>'))) {
        this.#fences.push({ ...open, to: start });
        open = null;
      }
      if (newline < 0) break;
      start = newline + 1;
    }
    if (open !== null) this.#fences.push({ ...open, to: text.length });
    this.#begins = new Set(this.#fences.map(({ begins }) => begins));
  }

  /** The fence whose code a position is within, if any. */
  openAt(at: number): Fence | null {
    let [low, high] = [0, this.#fences.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#fences[middle]?.from ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    const fence = this.#fences[low - 1];
    return fence !== undefined && at <= fence.to ? fence : null;
  }

  /**
   * What a line's beginning parts: blocks, or lines of one; null where it parts code from its own fence.
   * @param end where the line before it ends
   */
  borderAt(start: number, end: number): 'block' | 'line' | null {
    const text = this.#text;
    const fence = this.openAt(start);
    if (fence !== null) return start === fence.from || (start === fence.to && start < text.length) ? null : 'line';
    if (this.openAt(end)?.to === text.lastIndexOf('\n', end - 1) + 1) return 'block';
    const before = text.slice(text.lastIndexOf('\n', end - 1) + 1, end);
    return before.trim() === '' || this.#begins.has(start) ? 'block' : 'line';
  }
}

function closes(line: string, mark: string): boolean {
  const [, found = ''] = /^[ \t>]*(`{3,}|~{3,})[ \t]*$/.exec(line) ?? [];
  return found.startsWith(mark);
}
