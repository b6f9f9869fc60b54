// SPDX-License-Identifier: Apache-2.0
// A channel's own keys, those of its platform, held against the platform's schema: each trouble with its place, no value told.

import type { z } from 'zod';
import { foundText } from './problems.ts';
import { isReference } from './references.ts';
import { ConfigSchema } from './schema.ts';
import { namesSecret } from './show.ts';
import { allowedText, keysOf, nearest, type Path, type Schema, schemaAt, valueAt } from './walk.ts';

/** Something wrong inside an entry. */
export interface EntryTrouble {
  /** Below the entry. */
  readonly path: Path;
  /** What was found, and what is allowed, each as words without a full stop. */
  readonly found: string;
  readonly allowed: string;
}

/** Keys of an entry that are every channel's. */
export const COMMON_KEYS: readonly string[] = keysOf(schemaAt(ConfigSchema, ['channels', 'any']) ?? ConfigSchema);

/** What was found, without what may be a secret. */
function found(value: unknown, path: Path): string {
  const key = path.findLast((part) => typeof part === 'string');
  const hidden = typeof key === 'string' && namesSecret(key) && value !== undefined && value !== null && value !== '';
  return hidden ? `a ${typeof value} (hidden)` : value === '' ? 'empty text' : foundText(value);
}

/** What is allowed: what the type says, else what the platform's own rule says is wrong. */
function allowed(schema: Schema, path: Path, issue: z.core.$ZodIssue, missing: boolean): string {
  const at = schemaAt(schema, path);
  if (issue.code === 'custom' || at === undefined) return `${missing ? 'a' : 'another'} value: it ${issue.message}`;
  const says = allowedText(at);
  const own = /^(?:Invalid|Too|Expected)/.test(issue.message) ? '' : `; what is there ${issue.message}`;
  if (issue.code === 'invalid_format' && issue.format === 'url') return `a URL such as https://example.org${own}`;
  const described = (at as z.ZodType).description;
  return says === 'another value' && described !== undefined ? described.replace(/\.$/, '') : `${says}${own}`;
}

/** What of an entry its platform cannot use. Values are as they were written, references not followed. */
export function platformTrouble(schema: z.ZodType, entry: Readonly<Record<string, unknown>>): readonly EntryTrouble[] {
  const own = Object.fromEntries(Object.entries(entry).filter(([key]) => !COMMON_KEYS.includes(key)));
  const keys = keysOf(schema);
  const troubles: EntryTrouble[] = [];
  for (const key of Object.keys(own)) {
    if (keys.includes(key)) continue;
    const near = nearest(key, [...keys, ...COMMON_KEYS]);
    const hint = near === undefined ? '' : `; did you mean ${near}?`;
    const says = `the unknown key ${JSON.stringify(key)}${hint}`;
    troubles.push({ path: [key], found: says, allowed: `the keys ${[...COMMON_KEYS, ...keys].join(', ')}` });
  }
  const parsed = schema.safeParse(own, { jitless: true });
  const seen = new Set<string>();
  for (const issue of parsed.success ? [] : parsed.error.issues) {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    const value = valueAt(own, path);
    if (issue.code === 'unrecognized_keys') {
      const known = keysOf(schemaAt(schema, path) ?? schema).join(', ');
      for (const key of issue.keys)
        troubles.push({
          path: [...path, key],
          found: `the unknown key ${JSON.stringify(key)}`,
          allowed: `the keys ${known}`,
        });
      continue;
    }
    if (seen.has(path.join('.'))) continue;
    seen.add(path.join('.'));
    const reference = typeof value === 'string' && isReference(value) && !namesSecret(String(path.at(-1)));
    const what = reference ? 'a reference, which is followed in secrets only' : found(value, path);
    troubles.push({ path, found: what, allowed: allowed(schema, path, issue, value === undefined) });
  }
  return troubles;
}
