// SPDX-License-Identifier: Apache-2.0
// Environment variables as configuration: `SIGIL_NETWORKING_LISTEN` is `networking.listen`, resolved by the schema.

import { z } from 'zod';
import { SECRET_VARIABLE } from './secret-name.ts';
import { childOf, factsOf, isMap, keysOf, nearest, type Path, type Schema, schemaAt, unwrap } from './walk.ts';

/** `SIGIL_` names that mean something but are no configuration key. */
export const OTHER_ENV_NAMES: readonly string[] = [
  'SIGIL_CIRCUIT_TIMES',
  'SIGIL_CONFIG',
  'SIGIL_DATA_DIR',
  'SIGIL_KILL_AT',
  'SIGIL_SECRETS_PASSPHRASE',
  'SIGIL_TEST_TOOLS',
  'SIGIL_TEST_CHANNELS',
  'SIGIL_TOKEN',
  'SIGIL_URL',
];

/** The variables of secrets kept in the environment are as many as there are secrets. */
function isOther(name: string): boolean {
  return OTHER_ENV_NAMES.includes(name) || name.startsWith(SECRET_VARIABLE);
}

/** One variable that names a key, with its value as the schema wants it. */
export interface EnvValue {
  readonly name: string;
  readonly path: Path;
  readonly value: unknown;
}

/** What the environment says. */
export interface EnvReading {
  /** Wider keys first, so that a narrower one adds to them. */
  readonly values: readonly EnvValue[];
  readonly unknown: readonly { readonly name: string; readonly suggestion: string | undefined }[];
}

/** A key as part of a variable's name. */
export function envName(key: string): string {
  return key.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
}

interface Search {
  /** Names a new map entry would rather have, such as `openai-compatible`. */
  readonly likely: readonly string[];
  /** Whether keys the schema does not declare (a platform's own) may be taken. */
  readonly free: boolean;
  /** Whether the variable's text is a JSON map, and so may stand for a whole entry. */
  readonly json: boolean;
}

function inObject(schema: Schema, rest: string, data: unknown, search: Search): Path | undefined {
  const keys = keysOf(schema).toSorted((a, b) => b.length - a.length);
  for (const key of keys) {
    const child = childOf(schema, key);
    const found = child && step(child.schema, key, rest, data, search);
    if (found) return found;
  }
  if (!search.free || !childOf(schema, '')) return undefined;
  const own = isMap(data) ? Object.keys(data).find((key) => envName(key) === rest) : undefined;
  return [own ?? rest.toLowerCase()];
}

function inRecord(schema: Schema, rest: string, data: unknown, search: Search): Path | undefined {
  const child = childOf(schema, '');
  if (!child) return undefined;
  const existing = isMap(data) ? Object.keys(data) : [];
  const named = [...existing, ...search.likely].toSorted((a, b) => b.length - a.length);
  for (const key of named) {
    const found = step(child.schema, key, rest, data, search);
    if (found) return found;
  }
  // A new entry: the shortest name after which the rest is a key. The whole rest is the last candidate.
  const keepCase = factsOf(schema)?.kind === 'env_map';
  const ends = [...rest.matchAll(/_/g)].map((match) => match.index).filter((end) => end > 0);
  const entryIsMap = unwrap(child.schema) instanceof z.ZodObject;
  for (const end of entryIsMap && !search.json ? ends : [...ends, rest.length]) {
    const name = rest.slice(0, end);
    const found = step(child.schema, keepCase ? name : name.toLowerCase(), rest, data, search);
    if (found) return found;
  }
  return undefined;
}

function step(schema: Schema, key: string, rest: string, data: unknown, search: Search): Path | undefined {
  const name = envName(key);
  if (rest === name) return [key];
  if (!rest.startsWith(`${name}_`)) return undefined;
  const below = isMap(data) && Object.hasOwn(data, key) ? data[key] : undefined;
  const found = resolve(schema, rest.slice(name.length + 1), below, { ...search, likely: [] });
  return found && [key, ...found];
}

function resolve(schema: Schema, rest: string, data: unknown, search: Search): Path | undefined {
  const inner = unwrap(schema);
  if (rest === '') return undefined;
  if (inner instanceof z.ZodObject) return inObject(inner, rest, data, search);
  if (inner instanceof z.ZodRecord) return inRecord(inner, rest, data, search);
  return undefined;
}

function jsonOr(text: string, otherwise: unknown): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return otherwise;
  }
}

/** Text from the environment or a flag as the type the schema wants; what does not fit stays text and is reported. */
export function decodeText(schema: Schema, text: string): unknown {
  const inner = unwrap(schema);
  const numeric = /^-?\d+(\.\d+)?$/.test(text);
  if (inner instanceof z.ZodNumber) return numeric ? Number(text) : text;
  if (inner instanceof z.ZodBoolean) return /^(true|1)$/i.test(text) ? true : /^(false|0)$/i.test(text) ? false : text;
  if (inner instanceof z.ZodUnion) {
    const takesNumber = inner.options.some((option) => unwrap(option) instanceof z.ZodNumber);
    return numeric && takesNumber ? Number(text) : text;
  }
  if (inner instanceof z.ZodArray) {
    if (text.trimStart().startsWith('[')) return jsonOr(text, text);
    if (unwrap(inner.def.element) instanceof z.ZodObject) return text;
    return text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  }
  if (inner instanceof z.ZodObject || inner instanceof z.ZodRecord) return jsonOr(text, text);
  if (inner instanceof z.ZodUnknown) return /^(true|false|[[{].*)$/s.test(text) ? jsonOr(text, text) : text;
  return text;
}

/**
 * Reads every `SIGIL_*` variable against the schema. An empty variable counts as not set.
 * @param data the file's values: existing map entries are matched before new ones are made
 * @param likelyNames for each top-level map, names a new entry would rather have
 */
export function readEnv(
  root: Schema,
  env: Readonly<Record<string, string | undefined>>,
  data: Readonly<Record<string, unknown>>,
  likelyNames: Readonly<Record<string, readonly string[]>>,
): EnvReading {
  const values: EnvValue[] = [];
  const unknown: { name: string; suggestion: string | undefined }[] = [];
  for (const name of Object.keys(env).toSorted()) {
    const text = env[name];
    if (!name.startsWith('SIGIL_') || isOther(name) || text === undefined || text === '') continue;
    const path = find(root, name.slice('SIGIL_'.length), text, data, likelyNames);
    const schema = path && schemaAt(root, path);
    if (!path || !schema || path.includes('__proto__')) unknown.push({ name, suggestion: suggest(root, name) });
    else values.push({ name, path, value: decodeText(schema, text) });
  }
  return { values: values.toSorted((a, b) => a.path.length - b.path.length), unknown };
}

function find(
  root: Schema,
  rest: string,
  text: string,
  data: Readonly<Record<string, unknown>>,
  likelyNames: Readonly<Record<string, readonly string[]>>,
): Path | undefined {
  const top = keysOf(root).find((key) => rest === envName(key) || rest.startsWith(`${envName(key)}_`));
  if (top === undefined) return undefined;
  const child = childOf(root, top);
  if (!child || rest === envName(top)) return child && [top];
  const below = rest.slice(top.length + 1);
  for (const free of [false, true]) {
    const found = resolve(child.schema, below, data[top], {
      likely: likelyNames[top] ?? [],
      free,
      json: text.trimStart().startsWith('{'),
    });
    if (found) return [top, ...found];
  }
  return undefined;
}

function suggest(root: Schema, name: string): string | undefined {
  const names = [...OTHER_ENV_NAMES];
  const collect = (schema: Schema, prefix: string): void => {
    for (const key of keysOf(schema)) {
      const full = `${prefix}_${envName(key)}`;
      names.push(full);
      const child = childOf(schema, key);
      if (child) collect(child.schema, full);
    }
  };
  collect(root, 'SIGIL');
  return nearest(name, names);
}
