// SPDX-License-Identifier: Apache-2.0
// A key as somebody types it (`networking.listen`, `users[0].name`, `models.pricing["a/b.c"].input`) as a path that may be written.

import { z } from 'zod';
import { childOf, isMap, keyAllowed, keysOf, nearest, type Path, pathText, type Schema, unwrap } from './walk.ts';

/** The path, or why there is none. */
export type KeyResult =
  | { readonly ok: true; readonly path: Path; readonly schema: Schema }
  | { readonly ok: false; readonly message: string };

/** A word of a key. */
export interface Part {
  readonly text: string;
  /** In quotes: it is one name, whatever stands in it. */
  readonly whole: boolean;
}

const PART = /\.?(?:\["((?:[^"\\]|\\.)*)"\]|\[(\d{1,9})\]|([^.[\]]+))/y;

/** The words of a key, quotes taken off; undefined for what is none. */
export function partsOf(key: string): readonly Part[] | undefined {
  const parts: Part[] = [];
  PART.lastIndex = 0;
  while (PART.lastIndex < key.length) {
    const found = PART.exec(key);
    if (found === null) return undefined;
    const [, quoted, index, plain] = found;
    parts.push({ text: quoted?.replaceAll(/\\(.)/g, '$1') ?? index ?? plain ?? '', whole: quoted !== undefined });
  }
  return parts.length === 0 ? undefined : parts;
}

interface Miss {
  readonly path: Path;
  readonly says: string;
}

type Found = { readonly path: Path; readonly schema: Schema };

function isFound(result: Found | Miss): result is Found {
  return 'schema' in result;
}

/** The names an entry of a map may be meant by: what is there first, then the shortest new one. */
function* names(parts: readonly Part[], data: unknown): Generator<readonly [string, number]> {
  const [first] = parts;
  if (first === undefined) return;
  const joined = (length: number): string =>
    parts
      .slice(0, length)
      .map(({ text }) => text)
      .join('.');
  // Names may hold dots themselves: a model, a header.
  const most = first.whole ? 1 : Math.max(1, parts.findIndex(({ whole }) => whole) >>> 0 || parts.length);
  const lengths = Array.from({ length: Math.min(most, parts.length) }, (_, index) => index + 1);
  const there = (length: number): boolean => isMap(data) && Object.hasOwn(data, joined(length));
  for (const length of lengths.toReversed()) if (there(length)) yield [joined(length), length];
  for (const length of lengths) if (!there(length)) yield [joined(length), length];
}

function missing(path: Path, name: string, known: readonly string[]): Miss {
  const near = nearest(name, known);
  const hint = near === undefined ? `known here: ${known.join(', ')}` : `did you mean ${pathText([...path, near])}?`;
  return { path, says: `There is no configuration key ${pathText([...path, name])}; ${hint}.` };
}

function inList(schema: Schema, parts: readonly Part[], data: unknown, path: Path): Found | Miss {
  const [first] = parts;
  const length = Array.isArray(data) ? data.length : 0;
  const index = first !== undefined && /^\d{1,9}$/.test(first.text) ? Number(first.text) : Number.NaN;
  const child = childOf(schema, 0);
  if (child !== undefined && index <= length)
    return walk(child.schema, parts.slice(1), Array.isArray(data) ? data[index] : undefined, [...path, index]);
  const says = `${pathText(path)} is a list of ${length}, so ${JSON.stringify(first?.text ?? '')} is no position in it; ${length} adds one at its end.`;
  return { path, says };
}

function inRecord(schema: z.ZodRecord, parts: readonly Part[], data: unknown, path: Path): Found | Miss {
  const child = childOf(schema, '');
  let miss: Miss = { path, says: `There is no configuration key ${pathText(path)}.` };
  for (const [name, length] of child === undefined ? [] : names(parts, data)) {
    const fits = name !== '__proto__' && z.safeParse(schema.def.keyType, name).success;
    if (!fits) {
      if (miss.path.length <= path.length)
        miss = {
          path,
          says: `${JSON.stringify(name)} cannot be a name in ${pathText(path)}; allowed: ${keyAllowed(schema)}.`,
        };
      continue;
    }
    const below = isMap(data) && Object.hasOwn(data, name) ? data[name] : undefined;
    const found = walk((child as { schema: Schema }).schema, parts.slice(length), below, [...path, name]);
    if (isFound(found)) return found;
    if (found.path.length > miss.path.length) miss = found;
  }
  return miss;
}

function walk(schema: Schema, parts: readonly Part[], data: unknown, path: Path): Found | Miss {
  const [first] = parts;
  if (first === undefined) return { path, schema };
  const inner = unwrap(schema);
  if (inner instanceof z.ZodArray) return inList(inner, parts, data, path);
  if (inner instanceof z.ZodRecord) return inRecord(inner, parts, data, path);
  const child = first.text === '__proto__' ? undefined : childOf(inner, first.text);
  if (child === undefined) {
    const known = keysOf(inner);
    if (known.length > 0) return missing(path, first.text, known);
    return { path, says: `${pathText(path)} is a single value and has no keys.` };
  }
  const list = Array.isArray(data) && /^\d+$/.test(first.text);
  const key = list ? Number(first.text) : first.text;
  const below = list
    ? data[Number(first.text)]
    : isMap(data) && Object.hasOwn(data, first.text)
      ? data[first.text]
      : undefined;
  return walk(child.schema, parts.slice(1), below, [...path, key]);
}

/**
 * Finds the place a key means, whether or not something is written there.
 *
 * @param data what is written: names that are there are meant before new ones
 */
export function resolveKey(root: Schema, key: string, data: unknown): KeyResult {
  const parts = partsOf(key);
  if (parts === undefined) {
    const message = `${JSON.stringify(key)} is no key; keys are written like networking.listen or users[0].name.`;
    return { ok: false, message };
  }
  const found = walk(root, parts, data, []);
  return isFound(found) ? { ok: true, ...found } : { ok: false, message: found.says };
}
