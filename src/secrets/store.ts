// SPDX-License-Identifier: Apache-2.0
// The one contract every place that keeps secrets holds to, and how its failures are told.

import { parseSecretName, referenceTo, SECRET_NAME_RULE, type SecretName } from '../config/secret-name.ts';
import { type ErrorCode, failure, SigilError } from '../errors.ts';

/** The places there are. */
export const BACKENDS = ['keyring', 'file', 'env'] as const;
export type SecretBackend = (typeof BACKENDS)[number];

/** A kept secret without its value. */
export interface SecretEntry {
  readonly name: SecretName;
  /** When it was set; null where the backend does not know. */
  readonly setAt: Date | null;
}

/** Keeps secrets under names. A value is never part of an error. */
export interface SecretStore {
  readonly backend: SecretBackend;
  /** Which place this is, in words that end a sentence: `the encrypted file /data/secrets.age`. */
  readonly place: string;
  /** @throws SigilError `not_found`, or `storage_failed` when the place cannot be read */
  get(name: SecretName): Promise<string>;
  /**
   * Keeps a value, in place of one kept before.
   *
   * @throws SigilError `validation_failed` for a value that cannot be kept, `conflict` where nothing can be set or another
   * process does not let go, `storage_failed`
   */
  set(name: SecretName, value: string): Promise<void>;
  /** All that is kept, by name. */
  list(): Promise<readonly SecretEntry[]>;
  /** @throws SigilError `not_found`, `conflict`, `storage_failed` */
  remove(name: SecretName): Promise<void>;
  /** What the place is protected by, where that is for its owner to choose: now, or once something is kept in it. */
  protection?(): Promise<'passphrase' | 'key'>;
  /** Forgets what it holds in memory. */
  close(): Promise<void>;
}

/** Longest value, in bytes of UTF-8: that of a key file, and what every keyring takes. */
export const VALUE_MOST = 16_384;
/** Secrets in one place. */
export const SECRETS_MOST = 1_000;

/** A failure of a place that keeps secrets, with what to do about it. */
export function secretFailure(code: ErrorCode, message: string, advice: string, cause?: unknown): SigilError {
  return new SigilError(failure(code, message, { advice }), cause === undefined ? undefined : { cause });
}

/** What to do about a failure, where it says so. */
export function adviceOf(error: SigilError): string | undefined {
  const advice = error.failure.details?.['advice'];
  return typeof advice === 'string' ? advice : undefined;
}

export function notKept(name: SecretName, place: string, advice?: string): SigilError {
  return secretFailure(
    'not_found',
    `${referenceTo(name)} is not in ${place}.`,
    advice ?? `Set it with \`sigil secret set ${name}\`; \`sigil secret list\` shows what is kept.`,
  );
}

/** Reads a name. What was written is not repeated: it may be the secret itself. @throws SigilError `validation_failed` */
export function secretName(text: string): SecretName {
  const name = parseSecretName(text);
  if (name !== undefined) return name;
  throw secretFailure('validation_failed', 'This is no name of a secret.', `A name is ${SECRET_NAME_RULE}.`);
}

/** @throws SigilError `validation_failed` for a value that no place could give back as it was */
export function checkValue(value: string): void {
  const wrong = (why: string, advice: string): SigilError =>
    secretFailure('validation_failed', `The value ${why}.`, advice);
  if (value === '') throw wrong('is empty', 'Give the secret itself.');
  if (value.includes('\0')) throw wrong('holds a NUL character', 'Secrets are text; write binary data as base64.');
  if (!value.isWellFormed()) throw wrong('is no well-formed text', 'Secrets are text in UTF-8.');
  if (Buffer.byteLength(value) > VALUE_MOST)
    throw wrong(`is longer than ${VALUE_MOST} bytes`, 'Keep what is longer in a file and refer to it as file:///path.');
}
