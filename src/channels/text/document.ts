// SPDX-License-Identifier: Apache-2.0
// What a reply in Markdown says, as a tree: every platform's form of it is made from this one.

/** A run of text within a block. */
export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  /** A line ends here. In a chat a line that was begun stays a line, so soft breaks are breaks too. */
  | { readonly kind: 'break' }
  | { readonly kind: 'bold' | 'italic' | 'strike'; readonly children: readonly Inline[] }
  | { readonly kind: 'link'; readonly url: string; readonly children: readonly Inline[] }
  | { readonly kind: 'image'; readonly url: string; readonly alt: string };

export interface Table {
  readonly kind: 'table';
  readonly header: readonly (readonly Inline[])[];
  readonly rows: readonly (readonly (readonly Inline[])[])[];
}

export interface List {
  readonly kind: 'list';
  /** The number of the first item; null where items have none. */
  readonly start: number | null;
  readonly items: readonly (readonly Block[])[];
}

export type Block =
  | { readonly kind: 'paragraph'; readonly children: readonly Inline[] }
  | { readonly kind: 'heading'; readonly level: number; readonly children: readonly Inline[] }
  /** `language` is the first word after the fence, or empty. */
  | { readonly kind: 'code'; readonly language: string; readonly text: string }
  | { readonly kind: 'quote'; readonly children: readonly Block[] }
  | { readonly kind: 'rule' }
  | List
  | Table;

/** A block with the lines of the source it stands on, from the first to the one after the last. */
export type PlacedBlock = Block & { readonly lines: readonly [from: number, to: number] };

/** @returns what the parser of {@link loadMarkdown} makes of a text */
export type ParseMarkdown = (markdown: string) => readonly PlacedBlock[];

/** The words alone. */
export function wordsOf(children: readonly Inline[]): string {
  return children
    .map((one) => {
      switch (one.kind) {
        case 'text':
        case 'code':
          return one.text;
        case 'break':
          return ' ';
        case 'image':
          return one.alt === '' ? one.url : one.alt;
        default:
          return wordsOf(one.children);
      }
    })
    .join('');
}

/** Rows of a table as lines, cells beside each other with a bar between; columns are not filled up, which may cost more than a message has. */
export function tableLines(table: Table): readonly string[] {
  return [table.header, ...table.rows].map((cells) => cells.map((cell) => wordsOf(cell).trim()).join(' | '));
}
