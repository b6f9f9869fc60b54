// SPDX-License-Identifier: Apache-2.0
// Markdown as models write it (CommonMark with GFM's tables and strikethrough), parsed by markdown-it into our tree. HTML is
// no markup here but text: what a platform makes of tags is not for a model to say.

import type { Token } from 'markdown-it';
import type { Block, Inline, ParseMarkdown, PlacedBlock } from './document.ts';

/** The library gives up what is nested deeper, with all its text. */
const NESTED = 90;
/** Marks within marks past this are not shown; their text is. */
const MARKED = 16;

let loading: Promise<ParseMarkdown> | undefined;

/** Loads the library when it is first asked for; the parser is then ready at once, never throws and loses no text. */
export function loadMarkdown(): Promise<ParseMarkdown> {
  loading ??= import('markdown-it').then(({ default: library }) => {
    const markdown = new library({ html: false, linkify: false, typographer: false, maxNesting: NESTED + 10 });
    // Which addresses are safe to open is for whom they are shown to; what may be one is for each platform to say.
    markdown.validateLink = () => true;
    markdown.normalizeLink = (url) => url;
    markdown.normalizeLinkText = (text) => text;
    return (text) => {
      const tokens = markdown.parse(text, {});
      if (tokens.some(({ level }) => level > NESTED)) return asWritten(text);
      return new Builder(tokens).blocks();
    };
  });
  return loading;
}

function asWritten(text: string): readonly PlacedBlock[] {
  const rows = text.split('\n');
  const children = rows.flatMap((row, at): Inline[] =>
    at === 0 ? [{ kind: 'text', text: row }] : [{ kind: 'break' }, { kind: 'text', text: row }],
  );
  return [{ kind: 'paragraph', children, lines: [0, rows.length] }];
}

/** Reads the library's flat list of opening and closing tokens. */
class Builder {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** All blocks up to the end, or to what closes the one they are in. */
  blocks(): readonly PlacedBlock[] {
    const found: PlacedBlock[] = [];
    for (;;) {
      const token = this.#tokens[this.#at];
      if (token === undefined || token.nesting === -1) return found;
      this.#at += 1;
      const block = this.#block(token);
      if (block !== null) found.push({ ...block, lines: token.map ?? [0, 0] });
    }
  }

  #block(token: Token): Block | null {
    switch (token.type) {
      case 'fence':
      case 'code_block':
        return {
          kind: 'code',
          language: token.info.trim().split(/\s/u, 1)[0] ?? '',
          text: token.content.replace(/\n$/, ''),
        };
      case 'hr':
        return { kind: 'rule' };
      case 'heading_open':
        return { kind: 'heading', level: Number(token.tag.slice(1)), children: this.#line() };
      case 'paragraph_open':
        return { kind: 'paragraph', children: this.#line() };
      case 'blockquote_open':
        return { kind: 'quote', children: this.#within() };
      case 'bullet_list_open':
        return { kind: 'list', start: null, items: this.#items() };
      case 'ordered_list_open':
        return { kind: 'list', start: Number(token.attrGet('start') ?? 1), items: this.#items() };
      case 'table_open':
        return this.#table();
      default:
        return null;
    }
  }

  #within(): readonly Block[] {
    const blocks = this.blocks();
    this.#at += 1;
    return blocks;
  }

  #items(): readonly (readonly Block[])[] {
    const items: (readonly Block[])[] = [];
    while (this.#tokens[this.#at]?.type === 'list_item_open') {
      this.#at += 1;
      items.push(this.#within());
    }
    this.#at += 1;
    return items;
  }

  /** The one inline token of a block, and its end. */
  #line(): readonly Inline[] {
    const children = this.#tokens[this.#at]?.children ?? [];
    this.#at += 2;
    return inlines(children);
  }

  #table(): Block {
    const rows: (readonly Inline[])[][] = [];
    for (; this.#tokens[this.#at]?.type !== 'table_close' && this.#at < this.#tokens.length; this.#at += 1) {
      const token = this.#tokens[this.#at];
      if (token?.type === 'tr_open') rows.push([]);
      else if (token?.type === 'inline') rows.at(-1)?.push(inlines(token.children ?? []));
    }
    this.#at += 1;
    const [header = [], ...body] = rows;
    return { kind: 'table', header, rows: body };
  }
}

const MARKS: Readonly<Record<string, 'bold' | 'italic' | 'strike'>> = { strong: 'bold', em: 'italic', s: 'strike' };

function inlines(tokens: readonly Token[]): readonly Inline[] {
  const levels: Inline[][] = [[]];
  const add = (one: Inline): void => {
    levels[Math.min(levels.length, MARKED) - 1]?.push(one);
  };
  const open: Extract<Inline, { children: unknown }>[] = [];
  for (const token of tokens) {
    if (token.nesting === 1) {
      const children: Inline[] = [];
      levels.push(children);
      const mark = MARKS[token.tag];
      open.push(
        mark === undefined
          ? { kind: 'link', url: String(token.attrGet('href') ?? ''), children }
          : { kind: mark, children },
      );
    } else if (token.nesting === -1) {
      levels.pop();
      const closed = open.pop();
      // An address without words is still one.
      if (closed !== undefined && (closed.kind === 'link' || closed.children.length > 0)) add(closed);
    } else if (token.type === 'code_inline') add({ kind: 'code', text: token.content });
    else if (token.type === 'softbreak' || token.type === 'hardbreak') add({ kind: 'break' });
    else if (token.type === 'image')
      add({ kind: 'image', url: String(token.attrGet('src') ?? ''), alt: wordsAlt(token.children ?? []) });
    else if (token.content !== '') add({ kind: 'text', text: token.content });
  }
  return levels[0] ?? [];
}

function wordsAlt(tokens: readonly Token[]): string {
  return tokens.map((token) => (token.children ? wordsAlt(token.children) : token.content)).join('');
}
