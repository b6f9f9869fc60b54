// SPDX-License-Identifier: Apache-2.0
// Secrets in the keyring of the user's session: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { partsOf, type SecretName } from '../config/secret-name.ts';
import { SigilError } from '../errors.ts';
import { createKeyringIndex } from './keyring-index.ts';
import { checkValue, notKept, type SecretEntry, type SecretStore, secretFailure } from './store.ts';

/** How long a keyring may take, in milliseconds: a person may have to unlock it. */
const ANSWER_MS = 60_000;
/** How long one may take to say that it is there. */
const PROBE_MS = 3_000;
/** A name that nothing is kept under: asking for it unlocks nothing. */
const PROBE = { service: 'sigil', account: 'sigil.probe' };

/** One entry of a keyring, as the library has it. */
export interface KeyringEntry {
  getPassword(): Promise<string | null | undefined>;
  setPassword(value: string): Promise<void>;
  deleteCredential(): Promise<boolean>;
}

/** Finds an entry. It may throw where there is no keyring. */
export type OpenEntry = (service: string, account: string) => KeyringEntry;

export interface KeyringStoreOptions {
  readonly dataDir: string;
  readonly now: () => number;
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The system's keyring when not given. */
  readonly entries?: () => Promise<OpenEntry>;
}

async function systemKeyring(): Promise<OpenEntry> {
  const { AsyncEntry } = await import('@napi-rs/keyring');
  // Left to itself the library falls back to the kernel's keyring, which forgets everything when the machine restarts.
  return (service, account) => new AsyncEntry(service, account, { linux: { store: 'secret-service' } });
}

function within<T>(ms: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
    work.then(resolve, reject).finally(() => clearTimeout(late));
  });
}

const ADVICE =
  'Start the gateway within a desktop session, unlock its keyring, or set `secrets.backend: file` to keep secrets in an encrypted file.';

function unavailable(thrown: unknown): SigilError {
  if (thrown instanceof SigilError) return thrown;
  // The sentences of the library name the platform's trouble; none of them holds a value.
  const why = thrown instanceof Error ? thrown.message : String(thrown);
  return secretFailure('storage_failed', `The keyring cannot be used: ${why}.`, ADVICE, thrown);
}

/** Whether a session bus can be there at all, without loading anything. */
function mayHaveBus({ env, platform }: Pick<KeyringStoreOptions, 'env' | 'platform'>): boolean {
  if (platform === 'darwin' || platform === 'win32') return true;
  if ((env['DBUS_SESSION_BUS_ADDRESS'] ?? '') !== '') return true;
  const runtime = env['XDG_RUNTIME_DIR'] ?? '';
  return runtime !== '' && existsSync(join(runtime, 'bus'));
}

/** Why the keyring cannot be used; undefined when it answers. */
export async function keyringTrouble(options: KeyringStoreOptions): Promise<string | undefined> {
  if (!mayHaveBus(options)) return 'no session bus is there';
  try {
    const open = await (options.entries ?? systemKeyring)();
    await within(PROBE_MS, open(PROBE.service, PROBE.account).getPassword());
    return undefined;
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
}

/** Opens nothing by itself: the first call does. */
export function createKeyringStore(options: KeyringStoreOptions): SecretStore {
  const { dataDir, now, entries = systemKeyring } = options;
  const place = 'the keyring';
  const index = createKeyringIndex(dataDir, now);
  const entry = async (name: SecretName): Promise<KeyringEntry> => {
    const { service, account } = partsOf(name);
    try {
      return (await entries())(service, account);
    } catch (thrown) {
      throw unavailable(thrown);
    }
  };
  const answer = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await within(ANSWER_MS, work);
    } catch (thrown) {
      throw unavailable(thrown);
    }
  };
  const find = async (name: SecretName): Promise<string | undefined> =>
    (await answer((await entry(name)).getPassword())) ?? undefined;
  return {
    backend: 'keyring',
    place,
    async get(name) {
      const value = await find(name);
      if (value === undefined) throw notKept(name, place);
      return value;
    },
    async set(name, value) {
      checkValue(value);
      const at = await entry(name);
      await index.adding(name, () => answer(at.setPassword(value)));
    },
    async list() {
      const kept: SecretEntry[] = [];
      for (const one of index.list()) if ((await find(one.name)) !== undefined) kept.push(one);
      return kept;
    },
    async remove(name) {
      const at = await entry(name);
      let removed = false;
      await index.removing(name, async () => {
        removed = await answer(at.deleteCredential());
      });
      if (!removed) throw notKept(name, place);
    },
    async close() {
      // The keyring remembers, not this.
    },
  };
}
