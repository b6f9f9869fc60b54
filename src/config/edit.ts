// SPDX-License-Identifier: Apache-2.0
// Changing one value in the text of a configuration file: everything else, comments and layout included, stays as it is.
//
// A value is cut out of the text and another one put in its place; where the text has no simple place for it (an alias, a block
// that becomes a list) the document is changed and written anew, which keeps comments and may move spaces. Either way what came of
// it is read again, and is the old data with that one change, or it is not used.

import { isDeepStrictEqual } from 'node:util';
import type { Document, Node, Pair, YAMLMap, YAMLSeq } from 'yaml';
import type { Path } from './walk.ts';

/** A change: a value to be at a path, or nothing any more. */
export type Change = { readonly path: Path; readonly value: unknown } | { readonly path: Path; readonly unset: true };

type Yaml = typeof import('yaml');

/** The text was not what its lines promise; the caller has validated it before, so this is our own mistake. */
export class CannotEdit extends Error {}

type Data = Record<string, unknown> | unknown[];

function at(data: Data, key: string | number): unknown {
  if (Array.isArray(data)) return data[Number(key)];
  return Object.hasOwn(data, String(key)) ? data[String(key)] : undefined;
}

function isData(value: unknown): value is Data {
  return typeof value === 'object' && value !== null;
}

/** The data with the change made: what the new text must say. */
export function changedData(data: unknown, change: Change): unknown {
  const copy: unknown = structuredClone(data) ?? {};
  const last = change.path.at(-1);
  if (last === undefined || !isData(copy)) throw new CannotEdit('nothing to change');
  let current: Data = copy;
  for (const [index, key] of change.path.slice(0, -1).entries()) {
    let next = at(current, key);
    if (!isData(next)) {
      if ('unset' in change) return copy;
      next = typeof change.path[index + 1] === 'number' ? [] : {};
      put(current, key, next);
    }
    current = next as Data;
  }
  if (!('unset' in change)) put(current, last, change.value);
  else if (Array.isArray(current)) current.splice(Number(last), 1);
  else delete current[String(last)];
  return copy;
}

function put(data: Data, key: string | number, value: unknown): void {
  if (Array.isArray(data)) data[Number(key)] = value;
  else data[String(key)] = value;
}

/** What is missing on the way to a path, as a value of its own. */
function nested(path: Path, value: unknown): unknown {
  return path
    .toReversed()
    .reduce<unknown>((below, key) => (typeof key === 'number' ? [below] : { [key]: below }), value);
}

class Editor {
  readonly #yaml: Yaml;
  readonly #text: string;
  readonly #document: Document.Parsed;

  constructor(yaml: Yaml, text: string) {
    this.#yaml = yaml;
    this.#text = text;
    this.#document = yaml.parseDocument(text);
  }

  data(): unknown {
    return this.#document.toJS() as unknown;
  }

  /** The text with the change, each way it may be done, the gentlest first. */
  *tries(change: Change): Generator<string> {
    const { path } = change;
    const gentle = 'unset' in change ? this.#without(path) : this.#with(path, change.value);
    if (gentle !== undefined) yield gentle;
    if ('unset' in change) this.#document.deleteIn(path);
    else this.#document.setIn(path, this.#document.createNode(change.value));
    yield this.#document.toString({ lineWidth: 0 });
  }

  #with(path: Path, value: unknown): string | undefined {
    const { isMap, isSeq, isScalar, isAlias } = this.#yaml;
    let node: unknown = this.#document.contents;
    if (node === null || (isScalar(node) && node.value === null)) return this.#append(nested(path, value));
    let above: Pair | undefined;
    for (const [index, key] of path.entries()) {
      if (isMap(node)) {
        const pair = this.#pair(node, key);
        if (pair === undefined) return this.#add(node, above, nested(path.slice(index), value));
        above = pair;
        node = pair.value;
      } else if (isSeq(node)) {
        if (Number(key) >= node.items.length) return this.#push(node, nested(path.slice(index + 1), value));
        above = undefined;
        node = node.items[Number(key)];
      } else if (node === null || (isScalar(node) && node.value === null)) {
        return above === undefined ? undefined : this.#below(above, nested(path.slice(index), value));
      } else return undefined;
      if (isAlias(node)) return undefined;
    }
    return this.#replace(above, node, value);
  }

  #pair(map: YAMLMap, key: string | number): Pair | undefined {
    const { isScalar } = this.#yaml;
    return map.items.find((item) => String(isScalar(item.key) ? item.key.value : item.key) === String(key));
  }

  /** One line, as it stands behind a colon. */
  #inline(value: unknown, flow: boolean): string {
    const { Document: Doc, isCollection } = this.#yaml;
    const plain = typeof value === 'string' && (value.includes('\n') || (flow && /[,[\]{}#:]/.test(value)));
    if (plain) return JSON.stringify(value);
    const made = new Doc(value);
    if (isCollection(made.contents)) made.contents.flow = true;
    return made.toString({ lineWidth: 0, flowCollectionPadding: true }).trim().replaceAll(/\n\s*/g, ' ');
  }

  /** Lines, indented. */
  #block(value: unknown, indent: number): string {
    const text = this.#yaml.stringify(value, { lineWidth: 0 });
    return text.replaceAll(/^(?=.)/gm, ' '.repeat(indent));
  }

  #append(value: unknown): string {
    const text = this.#text === '' || this.#text.endsWith('\n') ? this.#text : `${this.#text}\n`;
    return text + this.#block(value, 0);
  }

  #column(offset: number): number {
    return offset - (this.#text.lastIndexOf('\n', offset - 1) + 1);
  }

  /** Where the line ends on which a node does, its line break included. */
  #lineAfter(end: number): number {
    let from = end;
    while (from > 0 && /\s/.test(this.#text[from - 1] ?? '')) from -= 1;
    const next = this.#text.indexOf('\n', from);
    return next < 0 ? this.#text.length : next + 1;
  }

  #insert(offset: number, lines: string): string {
    const before = this.#text.slice(0, offset);
    return `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${lines}${this.#text.slice(offset)}`;
  }

  #end(pair: Pair): number | undefined {
    const value = pair.value as Node | null;
    const key = pair.key as Node;
    const [, from = 0] = key.range ?? [];
    const [start = 0, end = 0] = value?.range ?? [];
    return value === null || start === end ? from : end;
  }

  #add(map: YAMLMap, above: Pair | undefined, value: unknown): string | undefined {
    const last = map.items.at(-1);
    const [start, end] = map.range ?? [];
    if (start === undefined || end === undefined) return undefined;
    if (map.flow === true) {
      if (last === undefined && above !== undefined) return this.#below(above, value);
      const inner = this.#inline(value, true).replace(/^\{\s*|\s*\}$/g, '');
      const before = this.#text.slice(0, end - 1).trimEnd();
      if (before.includes('#', start)) return undefined;
      return `${before}${last === undefined ? ' ' : ', '}${inner} ${this.#text.slice(end - 1)}`;
    }
    const key = (map.items[0]?.key as Node | undefined)?.range?.[0];
    const tail = last === undefined ? undefined : this.#end(last);
    if (key === undefined || tail === undefined) return undefined;
    return this.#insert(this.#lineAfter(tail), this.#block(value, this.#column(key)));
  }

  #push(seq: YAMLSeq, value: unknown): string | undefined {
    const [start, end] = seq.range ?? [];
    if (start === undefined || end === undefined) return undefined;
    if (seq.flow === true) {
      const before = this.#text.slice(0, end - 1).trimEnd();
      if (before.includes('#', start)) return undefined;
      const item = this.#inline(value, true);
      return seq.items.length === 0
        ? `${before}${item}${this.#text.slice(end - 1)}`
        : `${before}, ${item} ${this.#text.slice(end - 1)}`.replace(/ (?=\])/, this.#text[end - 2] === ' ' ? ' ' : '');
    }
    return this.#insert(this.#lineAfter(end), this.#block([value], this.#column(start)));
  }

  /** Under a key that has nothing, or an empty map. */
  #below(pair: Pair, value: unknown): string | undefined {
    const [from, to] = (pair.key as Node).range ?? [];
    if (from === undefined || to === undefined) return undefined;
    const column = this.#column(from);
    const line = this.#text.slice(from - column, this.#lineAfter(to));
    // Only where the key stands alone on its line: elsewhere there is no line to put something under.
    const alone =
      /^(\s*(?:"[^"]*"|'[^']*'|[^\s"'#{[][^{}[\]#]*):)[ \t]*(?:\{\s*\}|\[\s*\]|~|null)?([ \t]*#.*)?\n?$/.exec(line);
    if (alone === null) return undefined;
    const [, head = '', comment = ''] = alone;
    const rest = this.#text.slice(this.#lineAfter(to));
    return `${this.#text.slice(0, from - column)}${head}${comment}\n${this.#block(value, column + 2)}${rest}`;
  }

  #replace(above: Pair | undefined, node: unknown, value: unknown): string | undefined {
    const { isNode, isScalar } = this.#yaml;
    const range = isNode(node) ? node.range : undefined;
    if (range === undefined || range === null || !isNode(node)) return undefined;
    const [start, end] = range;
    const many = this.#text.slice(start, end).includes('\n');
    if (many || (isScalar(node) && /^BLOCK/.test(node.type ?? ''))) return this.#rewrite(above, end, value);
    const written = this.#inline(value, this.#inFlow(start));
    // A key without a value: its place is behind the colon.
    if (start === end) {
      const key = (above?.key as Node | undefined)?.range?.[1];
      const colon = key === undefined ? -1 : this.#text.indexOf(':', key);
      if (colon < 0) return undefined;
      return `${this.#text.slice(0, colon + 1)} ${written}${this.#text.slice(colon + 1)}`;
    }
    return this.#text.slice(0, start) + written + this.#text.slice(end);
  }

  /** A key with the lines under it, where it begins a line. */
  #rewrite(pair: Pair | undefined, end: number, value: unknown): string | undefined {
    const { isScalar } = this.#yaml;
    if (pair === undefined || !isScalar(pair.key)) return undefined;
    const from = pair.key.range?.[0];
    if (from === undefined) return undefined;
    const column = this.#column(from);
    if (this.#text.slice(from - column, from).trim() !== '') return undefined;
    const lines = this.#block({ [String(pair.key.value)]: value }, column);
    return this.#text.slice(0, from - column) + lines + this.#text.slice(this.#lineAfter(end));
  }

  #inFlow(offset: number): boolean {
    const line = this.#text.slice(this.#text.lastIndexOf('\n', offset - 1) + 1, offset);
    return /[[{]/.test(line);
  }

  #without(path: Path): string | undefined {
    const { isMap, isSeq } = this.#yaml;
    const parent: unknown = this.#document.getIn(path.slice(0, -1), true);
    const key = path.at(-1);
    if (key === undefined) return undefined;
    if (isMap(parent) && parent.flow !== true) {
      const pair = this.#pair(parent, key);
      const from = (pair?.key as Node | undefined)?.range?.[0];
      const end = pair === undefined ? undefined : this.#end(pair);
      if (from === undefined || end === undefined) return undefined;
      return this.#cut(from, end, /^\s*$/);
    }
    if (isSeq(parent) && parent.flow !== true) {
      const item = parent.items[Number(key)] as Node | undefined;
      const [from, end] = item?.range ?? [];
      if (from === undefined || end === undefined) return undefined;
      return this.#cut(from, end, /^\s*-\s*$/);
    }
    return undefined;
  }

  /** Without whole lines, where nothing but this stands on them. */
  #cut(from: number, end: number, before: RegExp): string | undefined {
    const line = from - this.#column(from);
    if (!before.test(this.#text.slice(line, from))) return undefined;
    return this.#text.slice(0, line) + this.#text.slice(this.#lineAfter(end));
  }
}

/**
 * The text with a change in it; the same text where nothing changes.
 *
 * @throws CannotEdit when no way of writing it says what is meant
 */
export async function editText(text: string, change: Change): Promise<string> {
  const yaml = await import('yaml');
  const editor = new Editor(yaml, text);
  const before = editor.data();
  const wanted = changedData(before, change);
  if (isDeepStrictEqual(before ?? {}, wanted)) return text;
  for (const tried of editor.tries(change)) {
    const read = yaml.parseDocument(tried);
    const meant = read.errors.length === 0 ? ((read.toJS() as unknown) ?? {}) : undefined;
    if (meant !== undefined && isDeepStrictEqual(withoutNulls(meant), withoutNulls(wanted))) return tried;
  }
  throw new CannotEdit('the file cannot be changed there');
}

/** `key:` with nothing behind it means the same as no key, as an empty map does. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (!isData(value)) return value;
  const kept = Object.entries(value).map(([key, item]) => [key, withoutNulls(item)] as const);
  return Object.fromEntries(
    kept.filter(([, item]) => item !== null && !(isData(item) && Object.keys(item).length === 0)),
  );
}
