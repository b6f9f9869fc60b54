// SPDX-License-Identifier: Apache-2.0
// A data directory of a test's own, gone after the tests of the file, and the names they keep secrets under.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { parseSecretName, type SecretName } from '../../src/config/secret-name.ts';
import { SigilError } from '../../src/errors.ts';

const made: string[] = [];
afterAll(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true });
});

export function dataDir(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sigil-secrets-'));
  made.push(directory);
  return directory;
}

export function named(text: string): SecretName {
  const name = parseSecretName(text);
  if (name === undefined) throw new Error(`${text} is no name`);
  return name;
}

/** What a call fails with, as our errors are; anything else fails the test. */
export async function failureOf(work: Promise<unknown>): Promise<SigilError['failure']> {
  try {
    await work;
  } catch (thrown) {
    if (thrown instanceof SigilError) return thrown.failure;
    throw thrown;
  }
  throw new Error('it was expected to fail');
}
