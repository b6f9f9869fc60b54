// SPDX-License-Identifier: Apache-2.0
// Setting, removing and listing secrets, as the gateway and the command line do it: noted in the audit first, never shown.

import { referenceTo, type SecretName, variableOf } from '../config/secret-name.ts';
import { SigilError } from '../errors.ts';
import type { Redactor } from './redactor.ts';
import { checkValue, notKept, type SecretBackend, type SecretEntry, type SecretStore } from './store.ts';

type Protection = 'passphrase' | 'key';

/** A name that is kept, or that the configuration refers to. */
export interface ListedSecret {
  readonly name: SecretName;
  /** How a configuration refers to it. */
  readonly reference: string;
  readonly kept: boolean;
  /** RFC 3339 UTC; null where that is not known. */
  readonly set_at: string | null;
  /** Paths of the configuration. */
  readonly used_by: readonly string[];
}

export interface SecretListing {
  readonly backend: SecretBackend;
  /** See {@link SecretStore.place}. */
  readonly place: string;
  readonly protection?: Protection;
  /** By name. */
  readonly items: readonly ListedSecret[];
}

/** A secret that is kept now. */
export interface SecretSet {
  readonly name: SecretName;
  readonly reference: string;
  readonly backend: SecretBackend;
  readonly place: string;
  readonly protection?: Protection;
  /** What protects the place is another from now on. */
  readonly protection_changed: boolean;
  readonly used_by: readonly string[];
  /** Something that refers to it reads it when the gateway starts. */
  readonly restart: boolean;
}

export interface SecretRemoved {
  readonly name: SecretName;
  readonly backend: SecretBackend;
  readonly removed: true;
  readonly used_by: readonly string[];
}

/** A note for the audit: it is there when this settles, and what cannot be noted is not done. */
export type NoteSecret = (
  action: 'secret.set' | 'secret.removed',
  details: { readonly name: SecretName; readonly backend: SecretBackend },
  result: 'ok' | 'failed',
) => Promise<void>;

export interface SecretKeeping {
  /** @throws SigilError `storage_failed` */
  list(): Promise<SecretListing>;
  /** @throws SigilError as {@link SecretStore.set}, or why it could not be noted; then nothing was set */
  set(name: SecretName, value: string, note: NoteSecret): Promise<SecretSet>;
  /** @throws SigilError as {@link SecretStore.remove}, or why it could not be noted; then nothing was removed */
  remove(name: SecretName, note: NoteSecret): Promise<SecretRemoved>;
}

export interface SecretKeepingOptions {
  /** Opens the place; each call opens it anew, for somebody else may have changed it. */
  readonly open: () => Promise<SecretStore>;
  /** The paths of the configuration, as it is now, that refer to each name. */
  readonly used: () => ReadonlyMap<SecretName, readonly string[]>;
  readonly redactor: Pick<Redactor, 'add'>;
}

export function createSecretKeeping({ open, used, redactor }: SecretKeepingOptions): SecretKeeping {
  const opened = async <T>(work: (store: SecretStore) => Promise<T>): Promise<T> => {
    const store = await open();
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  };
  const usersOf = (name: SecretName): readonly string[] => used().get(name) ?? [];
  return {
    list: () =>
      opened(async (store) => {
        const items = await listed(store, used());
        const protection = await store.protection?.();
        const { backend, place } = store;
        return { backend, place, ...(protection === undefined ? {} : { protection }), items };
      }),
    set: (name, value, note) =>
      opened(async (store) => {
        // Before anything can go wrong with it.
        redactor.add(value);
        checkValue(value);
        const { backend, place } = store;
        // Nothing can be set there, and it says so itself.
        if (backend === 'env') await store.set(name, value);
        const before = await store.protection?.();
        await noted(note, 'secret.set', { name, backend }, () => store.set(name, value));
        const after = await store.protection?.();
        return {
          ...{ name, reference: referenceTo(name), backend, place },
          ...(after === undefined ? {} : { protection: after }),
          protection_changed: before !== after,
          used_by: usersOf(name),
          restart: waitsForStart(usersOf(name)),
        };
      }),
    remove: (name, note) =>
      opened(async (store) => {
        const { backend, place } = store;
        if (backend === 'env') await store.remove(name);
        if (!(await isKept(store, name))) throw notKept(name, place);
        await noted(note, 'secret.removed', { name, backend }, () => store.remove(name));
        return { name, backend, removed: true, used_by: usersOf(name) };
      }),
  };
}

/** The entry first, then what it says; where that fails, another entry that says so. */
async function noted(
  note: NoteSecret,
  action: Parameters<NoteSecret>[0],
  details: Parameters<NoteSecret>[1],
  work: () => Promise<void>,
): Promise<void> {
  await note(action, details, 'ok');
  try {
    await work();
  } catch (thrown) {
    // What went wrong with the secret says more than that this could not be noted either.
    await note(action, details, 'failed').catch(() => undefined);
    throw thrown;
  }
}

/** Where a change of a secret is not seen until the gateway starts again. */
export function waitsForStart(paths: readonly string[]): boolean {
  return paths.some((path) => path.startsWith('auth.tokens'));
}

/** Whether something is kept that the store did not list: set by another program, or under a variable of many names. */
async function isKept(store: SecretStore, name: SecretName): Promise<boolean> {
  try {
    await store.get(name);
    return true;
  } catch (thrown) {
    if (!(thrown instanceof SigilError) || thrown.failure.code !== 'not_found') throw thrown;
    return false;
  }
}

async function listed(
  store: SecretStore,
  used: ReturnType<SecretKeepingOptions['used']>,
): Promise<readonly ListedSecret[]> {
  const kept = new Map<SecretName, SecretEntry>((await store.list()).map((entry) => [entry.name, entry]));
  for (const name of used.keys()) {
    if (kept.has(name) || !(await isKept(store, name))) continue;
    // A variable says only roughly which name it stands for; the configuration knows.
    if (store.backend === 'env')
      for (const other of [...kept.keys()])
        if (!used.has(other) && variableOf(other) === variableOf(name)) kept.delete(other);
    kept.set(name, { name, setAt: null });
  }
  const rows = [...new Set([...kept.keys(), ...used.keys()])].map((name): ListedSecret => {
    const entry = kept.get(name);
    const set_at = entry?.setAt?.toISOString() ?? null;
    return { name, reference: referenceTo(name), kept: entry !== undefined, set_at, used_by: used.get(name) ?? [] };
  });
  return rows.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
