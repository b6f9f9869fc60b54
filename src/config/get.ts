// SPDX-License-Identifier: Apache-2.0
// `config get KEY`: one value by its dotted path, written as `config show` writes it.

import { partsOf } from './key-path.ts';
import { type Config, ConfigSchema } from './schema.ts';
import { configShow, type ShowOptions } from './show.ts';
import { childOf, isMap, keysOf, nearest, type Path, type Schema } from './walk.ts';

/** The value, null where an optional key is not set; or why there is none. */
export type GetResult =
  | { readonly ok: true; readonly path: Path; readonly value: unknown }
  | { readonly ok: false; readonly message: string; readonly suggestion: string | undefined };

interface Miss {
  /** The part of the key that was understood. */
  readonly path: Path;
  readonly part: string;
  readonly names: readonly string[];
}

function namesBelow(schema: Schema, value: unknown): readonly string[] {
  const existing = isMap(value)
    ? Object.keys(value)
    : Array.isArray(value)
      ? value.map((_, index) => String(index))
      : [];
  return [...new Set([...keysOf(schema), ...existing])];
}

function walk(schema: Schema, value: unknown, parts: readonly string[], path: Path): GetResult | Miss {
  if (parts.length === 0) return { ok: true, path, value: value ?? null };
  const names = namesBelow(schema, value);
  let miss: Miss = { path, part: parts[0] ?? '', names };
  // An entry's name may hold dots itself (a model, a header), so longer names are tried too.
  for (let length = 1; length <= parts.length; length++) {
    const name = parts.slice(0, length).join('.');
    const child = names.includes(name) ? childOf(schema, name) : undefined;
    if (!child) continue;
    const below = Array.isArray(value) ? value[Number(name)] : isMap(value) ? value[name] : undefined;
    const found = walk(child.schema, below, parts.slice(length), [...path, Array.isArray(value) ? Number(name) : name]);
    if ('ok' in found) return found;
    if (found.path.length > miss.path.length) miss = found;
  }
  return miss;
}

/**
 * Looks a value up by its dotted key: `networking.listen`, `users.0.name`, `models.pricing.openai/gpt-4.1.input`.
 * Secrets are hidden unless asked for.
 */
export function configGet(config: Config, key: string, options: ShowOptions = {}): GetResult {
  const parts = (partsOf(key) ?? [{ text: key }]).map(({ text }) => text);
  const found = walk(ConfigSchema, configShow(config, options), parts, []);
  if ('ok' in found) return found;
  // A position in a list is no misspelling of another.
  const near = /^\d+$/.test(found.part) ? undefined : nearest(found.part, found.names);
  const before = found.path.join('.');
  const suggestion = near === undefined ? undefined : before === '' ? near : `${before}.${near}`;
  const known = found.names.length === 0 ? 'it has no keys' : `known here: ${found.names.join(', ')}`;
  const hint = suggestion === undefined ? known : `did you mean ${suggestion}?`;
  return { ok: false, message: `There is no configuration key ${JSON.stringify(key)}; ${hint}`, suggestion };
}
