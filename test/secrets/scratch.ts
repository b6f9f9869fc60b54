// SPDX-License-Identifier: Apache-2.0
// A data directory of a test's own, gone after the tests of the file, and the names they keep secrets under.

import { parseSecretName, type SecretName } from '../../src/config/secret-name.ts';
import { SigilError } from '../../src/errors.ts';
import { leftBehind } from '../left-behind.ts';

export function dataDir(): string {
  return leftBehind('sigil-secrets-');
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
