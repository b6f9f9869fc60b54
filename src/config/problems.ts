// SPDX-License-Identifier: Apache-2.0
// What can be wrong with a configuration, and how zod's findings become sentences with a place.

import type { z } from 'zod';
import {
  allowedText,
  factsOf,
  keyAllowed,
  keysOf,
  nearest,
  type Path,
  pathText,
  type Schema,
  schemaAt,
  takesMap,
  valueAt,
} from './walk.ts';

/** Where a value came from. */
export type Origin = 'file' | 'env' | 'flag';

/** The place a value was written: a line of the file, an environment variable or a flag. */
export interface Place {
  readonly origin: Origin;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** The environment variable or the flag. */
  readonly name?: string;
}

/** Something wrong that stops the start. */
export interface Problem extends Place {
  /** The key path, such as `gateway.threads`; empty when it is about the whole file. */
  readonly path: string;
  readonly found: string;
  readonly allowed: string;
  /** One sentence that names the place and says all of it. */
  readonly message: string;
}

/** Something odd that stops nothing. */
export interface Warning extends Place {
  readonly path: string;
  readonly message: string;
}

/** One bad entry that is set aside while everything else runs. */
export interface Quarantined extends Place {
  readonly path: string;
  readonly code: string;
  readonly message: string;
  readonly advice: string;
}

/** Finds the place of a path; `key` asks for the key itself rather than its value. */
export type Locate = (path: Path, key?: boolean) => Place;

/** A place in words: `sigil.yaml:3:5`, `SIGIL_GATEWAY_THREADS`, `--threads`. */
export function placeText(place: Place): string {
  if (place.origin !== 'file') return place.name ?? (place.origin === 'env' ? 'the environment' : 'a flag');
  const line = place.line === undefined ? '' : `:${place.line}${place.column === undefined ? '' : `:${place.column}`}`;
  return `${place.file ?? 'the configuration'}${line}`;
}

/** Puts a problem together; the message is written from its parts. */
export function problem(place: Place, path: Path, found: string, allowed: string, hint?: string): Problem {
  const where = pathText(path);
  const subject = where === '' ? '' : `${where}: `;
  const message = `${placeText(place)}: ${subject}found ${found}; allowed: ${allowed}${hint === undefined ? '' : ` (${hint})`}`;
  return { ...place, path: where, found, allowed, message };
}

/** A value in words, short, and silent about secrets. */
export function foundText(value: unknown, schema?: Schema): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'nothing (null)';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a map';
  const kind = schema && factsOf(schema)?.kind;
  if (kind === 'secret' || kind === 'secret_url' || kind === 'free') {
    return value === '' ? 'empty text' : typeof value === 'string' ? 'text (hidden)' : `a ${typeof value} (hidden)`;
  }
  // Where a map belongs, a lone text is often the key itself: `anthropic: sk-…`.
  if (schema && typeof value === 'string' && takesMap(schema)) return 'text (hidden)';
  // A value misplaced into the wrong key may be a secret all the same: userinfo never shows.
  const shown = JSON.stringify(value).replace(/\/\/[^/@\s"]+@/, '//***@');
  return `${typeof value === 'string' ? 'the text' : `the ${typeof value}`} ${shown.length > 80 ? `${shown.slice(0, 77)}…` : shown}`;
}

function didYouMean(wrong: string, names: readonly string[]): string | undefined {
  const near = nearest(wrong, names);
  return near === undefined ? undefined : `did you mean ${near}?`;
}

function unknownKey(root: Schema, parent: Path, key: string, locate: Locate): Problem {
  const schema = schemaAt(root, parent);
  const keys = schema ? keysOf(schema) : [];
  const place = locate([...parent, key], true);
  return problem(
    place,
    [...parent, key],
    `the unknown key ${JSON.stringify(key)}`,
    `the keys ${keys.join(', ')}`,
    didYouMean(key, keys),
  );
}

function asPath(path: readonly PropertyKey[]): Path {
  return path.map((key) => (typeof key === 'number' ? key : String(key)));
}

/**
 * Zod's findings as problems, one for every unknown key and every wrong value.
 *
 * @param filled paths whose value came from a reference: what it stands for may be a secret and is not told
 */
export function problemsOf(
  issues: readonly z.core.$ZodIssue[],
  root: Schema,
  value: unknown,
  locate: Locate,
  filled: ReadonlySet<string> = new Set(),
): Problem[] {
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const issue of issues) {
    const path = asPath(issue.path);
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) problems.push(unknownKey(root, path, key, locate));
      continue;
    }
    // A value may break several rules of one field; what is allowed is said once.
    const where = pathText(path);
    if (seen.has(where)) continue;
    seen.add(where);
    const schema = schemaAt(root, path);
    const badName = issue.code === 'invalid_key';
    const allowed = badName
      ? keyAllowed(schemaAt(root, path.slice(0, -1)))
      : schema
        ? allowedText(schema)
        : issue.message;
    const hidden = path.some((_, index) => filled.has(pathText(path.slice(0, index + 1))));
    const found = badName
      ? `the name ${JSON.stringify(path.at(-1))}`
      : hidden
        ? 'what the reference stands for (hidden)'
        : foundText(valueAt(value, path), schema);
    const suggestion =
      issue.code === 'invalid_value' ? didYouMean(String(valueAt(value, path)), issue.values.map(String)) : undefined;
    problems.push(problem(locate(path, badName), path, found, allowed, suggestion));
  }
  return problems;
}
