// SPDX-License-Identifier: Apache-2.0
// Whether a secret that reads the same still is the same: hashes of what references lead to, under a salt of this process.

import { createHmac } from 'node:crypto';
import { BrokenReference, type ReferenceSource, resolveReferences } from '../../config/references.ts';
import type { Config } from '../../config/schema.ts';
import { secretKeys } from '../../config/secret-keys.ts';
import { isKeyringReference } from '../../config/secret-name.ts';

/**
 * By dotted key, of those that lead to the environment or a file. What is kept elsewhere is asked for whenever it is used, and
 * what leads nowhere is set aside with its entry.
 */
export function secretPrints(config: Config, source: ReferenceSource, salt: Uint8Array): ReadonlyMap<string, string> {
  const prints = new Map<string, string>();
  for (const { path, written } of secretKeys(config)) {
    if (isKeyringReference(written)) continue;
    try {
      const value = resolveReferences(written, source);
      if (value !== written) prints.set(path.join('.'), createHmac('sha256', salt).update(value).digest('base64url'));
    } catch (thrown) {
      if (!(thrown instanceof BrokenReference)) throw thrown;
    }
  }
  return prints;
}

/** The keys that lead elsewhere than before. */
export function renewedSecrets(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly string[] {
  return [...after].flatMap(([key, print]) => (before.has(key) && before.get(key) !== print ? [key] : []));
}
