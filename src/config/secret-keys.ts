// SPDX-License-Identifier: Apache-2.0
// Where a configuration holds secrets: every such text with its path, and which of them refer to what is kept elsewhere.

import type { BadEntry } from './bad-entry.ts';
import { BrokenReference, type ReferenceSource, resolveReferences } from './references.ts';
import { type Config, ConfigSchema } from './schema.ts';
import { isKeyringReference, nameInReference, referenceTo, type SecretName } from './secret-name.ts';
import { brokenSecret } from './settle.ts';
import { namesSecret } from './show.ts';
import { childOf, factsOf, isMap, type Path, pathText, type Schema } from './walk.ts';

/** One text that is, or may be, a secret. */
export interface SecretKey {
  readonly path: Path;
  /** As it stands in the configuration, references not followed. */
  readonly written: string;
  /** `free` is a text of somebody else's shape, which is a secret only when it refers to one. */
  readonly kind: 'secret' | 'secret_url' | 'free';
}

function* walk(schema: Schema, value: unknown, path: Path): Generator<SecretKey> {
  if (typeof value === 'string') {
    const kind = factsOf(schema)?.kind;
    if (value !== '' && (kind === 'secret' || kind === 'secret_url' || kind === 'free'))
      yield { path, written: value, kind };
    return;
  }
  const items = Array.isArray(value) ? value.entries() : isMap(value) ? Object.entries(value) : [];
  for (const [key, item] of items) {
    const child = childOf(schema, key);
    if (child) yield* walk(child.schema, item, [...path, key]);
  }
}

/** Every secret of a configuration, in its order. */
export function secretKeys(config: Config): readonly SecretKey[] {
  return [...walk(ConfigSchema, config, [])];
}

/** The kept secrets a configuration refers to, each with the paths that do. */
export function keptSecrets(config: Config): ReadonlyMap<SecretName, readonly string[]> {
  const kept = new Map<SecretName, string[]>();
  for (const { path, written } of secretKeys(config)) {
    const name = nameInReference(written);
    if (name !== undefined) kept.set(name, [...(kept.get(name) ?? []), pathText(path)]);
  }
  return kept;
}

/**
 * Every secret that can be known without opening a store: written out, in the environment, in files. References that lead
 * nowhere are left out.
 */
export function plainSecrets(config: Config, source: ReferenceSource): readonly string[] {
  const known: string[] = [];
  for (const { path, written, kind } of secretKeys(config)) {
    // A key of a platform's or plugin's own holds a secret when it is called like one.
    if (isKeyringReference(written) || (kind === 'free' && !namesSecret(String(path.at(-1))))) continue;
    try {
      const value = resolveReferences(written, source, (text) => known.push(text));
      // The address of a URL is to be seen; what is secret in it is hidden wherever a URL is shown.
      if (kind !== 'secret_url') known.push(value);
    } catch (thrown) {
      if (!(thrown instanceof BrokenReference)) throw thrown;
    }
  }
  return known;
}

/** Why a kept secret cannot be had, and what to do. */
export interface Missing {
  readonly message: string;
  readonly advice: string;
}

/** Asks whether a secret is kept; undefined when it is. It is looked for and not remembered. */
export type LookUp = (name: SecretName, settings: Config['secrets']) => Promise<Missing | undefined>;

/** The entries whose secrets are not where they refer to. */
export async function missingSecrets(config: Config, lookUp: LookUp): Promise<readonly BadEntry[]> {
  const answers = new Map<SecretName, Missing | undefined>();
  const bad: BadEntry[] = [];
  for (const { path, written } of secretKeys(config)) {
    const name = nameInReference(written);
    if (name === undefined) continue;
    if (!answers.has(name)) answers.set(name, await lookUp(name, config.secrets));
    const missing = answers.get(name);
    if (missing === undefined) continue;
    const why = missing.message.replace(/\.$/, '');
    const reference = referenceTo(name);
    bad.push(brokenSecret(path, why.includes(reference) ? why : `${reference}: ${why}`, missing.advice));
  }
  return bad;
}
