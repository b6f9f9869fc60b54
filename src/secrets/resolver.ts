// SPDX-License-Identifier: Apache-2.0
// Turns a secret as the configuration writes it into its text, at the moment somebody uses it, and sees that it is hidden.

import { BrokenReference, type ReferenceSource, resolveReferences } from '../config/references.ts';
import { isKeyringReference, nameInReference } from '../config/secret-name.ts';
import type { Redactor } from './redactor.ts';
import { type SecretStore, secretFailure } from './store.ts';

/** What whoever uses a secret is given. */
export interface SecretResolver {
  /**
   * The text a secret stands for now. Ask when it is used, keep it no longer than that, and show it nowhere: it is hidden
   * from logs, errors, prompts and debug pages from here on.
   *
   * @param written a secret as it stands in the configuration: the text itself, or a reference
   * @throws SigilError `not_found` when nothing is kept there, `validation_failed` for a reference that leads nowhere,
   * `storage_failed` when the place it is kept in cannot be read, `overloaded` when it could not be hidden any more
   */
  resolve(written: string): Promise<string>;
}

export interface ResolverOptions {
  /** Opens the store; asked for the first `keyring://` reference, and again when that failed. */
  readonly open: () => Promise<SecretStore>;
  /** The environment and files of this machine. */
  readonly source: ReferenceSource;
  readonly redactor: Redactor;
}

/** The password in a URL, as it is written there and as it is sent. */
function* passwordsIn(value: string): Generator<string> {
  const written = /^[a-z][a-z0-9+.-]*:\/\/[^\s/?#:@]*:([^\s/?#]*)@/i.exec(value)?.[1];
  if (written === undefined) return;
  yield written;
  try {
    yield decodeURIComponent(written);
  } catch {
    // Not percent-encoded: it is sent as it is written.
  }
}

export function createResolver({ open, source, redactor }: ResolverOptions): SecretResolver {
  let store: Promise<SecretStore> | undefined;
  const kept = (): Promise<SecretStore> => {
    store ??= open().catch((thrown: unknown) => {
      store = undefined;
      throw thrown;
    });
    return store;
  };
  const find = async (written: string): Promise<string> => {
    if (!isKeyringReference(written)) return resolveReferences(written, source, (text) => redactor.add(text));
    const name = nameInReference(written);
    if (name !== undefined) return await (await kept()).get(name);
    throw secretFailure(
      'validation_failed',
      'What follows keyring:// names no kept secret.',
      'Write keyring://service/account.',
    );
  };
  return {
    async resolve(written) {
      try {
        const value = await find(written);
        redactor.add(value);
        for (const password of passwordsIn(value)) redactor.add(password);
        return value;
      } catch (thrown) {
        if (!(thrown instanceof BrokenReference)) throw thrown;
        throw secretFailure('validation_failed', `${thrown.message}.`, `Allowed: ${thrown.allowed}.`);
      }
    },
  };
}
