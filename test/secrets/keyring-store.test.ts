// SPDX-License-Identifier: Apache-2.0
// The keyring: the contract against a real Secret Service where there is one and against entries in memory, and its troubles.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  createKeyringStore,
  type KeyringEntry,
  keyringTrouble,
  type OpenEntry,
} from '../../src/secrets/keyring-store.ts';
import { openSecrets } from '../../src/secrets/open.ts';
import type { SecretStore } from '../../src/secrets/store.ts';
import { secretStoreContract } from './contract.ts';
import { dataDir, failureOf, named } from './scratch.ts';
import { noSecretService, withSecretService } from './secret-service.ts';

const NAME = named('openai/main');
const VALUE = 'sk-a-value-nobody-may-see';

/** A keyring in memory: one for each map. */
function entriesOf(kept: Map<string, string>): OpenEntry {
  return (service, account): KeyringEntry => {
    const at = `${service}/${account}`;
    return {
      getPassword: async () => kept.get(at) ?? null,
      setPassword: async (value) => void kept.set(at, value),
      deleteCredential: async () => kept.delete(at),
    };
  };
}

function storeIn(dir: string, entries?: () => Promise<OpenEntry>): SecretStore {
  const options = { dataDir: dir, now: Date.now, platform: process.platform, env: process.env };
  return createKeyringStore(entries === undefined ? options : { ...options, entries });
}

secretStoreContract('a keyring in memory', {
  open: async () => {
    const [dir, entries] = [dataDir(), entriesOf(new Map())];
    const open = async () => storeIn(dir, async () => entries);
    return { store: await open(), again: open };
  },
  runs: 25,
});

describe.skipIf(noSecretService !== undefined)(`a real keyring (${noSecretService ?? 'gnome-keyring'})`, () => {
  withSecretService();

  // The keyring is the user's, not the data directory's: what an earlier test kept is removed first.
  const empty = async (): Promise<void> => {
    for (const name of ['openai/main', 'token', 'a', 'b', 'a/b', 'B', 'constructor', 'x.y@z+1/k'].map(named)) {
      await storeIn(dataDir())
        .remove(name)
        .catch(() => undefined);
    }
  };
  secretStoreContract('the keyring', {
    open: async () => {
      await empty();
      const dir = dataDir();
      return { store: storeIn(dir), again: async () => storeIn(dir) };
    },
    runs: 5,
  });

  it('is what `auto` takes, and keeps nothing in the data directory but names', async () => {
    await empty();
    const dir = dataDir();
    const store = await openSecrets({ backend: 'auto', dataDir: dir, env: process.env });
    expect([store.backend, store.place]).toEqual(['keyring', 'the keyring']);
    await store.set(NAME, VALUE);
    expect(existsSync(join(dir, 'secrets.age'))).toBe(false);
    const index = readFileSync(join(dir, 'secrets-keyring.json'), 'utf8');
    expect(index).toContain(NAME);
    expect(index).not.toContain(VALUE);
    // It is there for another data directory too, which does not list what it has not set.
    const other = storeIn(dataDir());
    expect([await other.get(NAME), await other.list()]).toEqual([VALUE, []]);
    await store.remove(NAME);
  });
});

describe('a keyring that cannot be used', () => {
  const broken = async (): Promise<OpenEntry> => {
    throw new Error('Platform failure: the bus is gone');
  };

  it('says why and what to do, and changes nothing', async () => {
    const dir = dataDir();
    const store = storeIn(dir, broken);
    for (const work of [store.get(NAME), store.set(NAME, VALUE), store.remove(NAME)]) {
      const { code, message, details } = await failureOf(work);
      expect([code, message]).toEqual(['storage_failed', expect.stringContaining('the bus is gone')]);
      expect(details?.['advice']).toContain('secrets.backend: file');
      expect(message).not.toContain(VALUE);
    }
    expect(existsSync(join(dir, 'secrets-keyring.json'))).toBe(false);
  });

  it('is not even asked where no bus can be', async () => {
    const asked: string[] = [];
    const entries = async (): Promise<OpenEntry> => {
      asked.push('asked');
      return entriesOf(new Map());
    };
    const options = { dataDir: dataDir(), now: Date.now, entries, env: {} };
    expect(await keyringTrouble({ ...options, platform: 'linux' })).toBe('no session bus is there');
    expect(asked).toEqual([]);
    expect(await keyringTrouble({ ...options, platform: 'darwin' })).toBeUndefined();
    expect(await keyringTrouble({ ...options, platform: 'darwin', entries: broken })).toContain('the bus is gone');
  });

  it('leaves a name unlisted whose secret it did not take', async () => {
    const dir = dataDir();
    const kept = new Map<string, string>();
    const entries: OpenEntry = (service, account) => ({
      ...entriesOf(kept)(service, account),
      setPassword: async () => {
        throw new Error('locked');
      },
    });
    const store = storeIn(dir, async () => entries);
    expect((await failureOf(store.set(NAME, VALUE))).message).toContain('locked');
    expect(await store.list()).toEqual([]);
  });

  it('forgets no secret over a damaged list of names', async () => {
    const dir = dataDir();
    const kept = new Map<string, string>();
    const store = storeIn(dir, async () => entriesOf(kept));
    await store.set(NAME, VALUE);
    writeFileSync(join(dir, 'secrets-keyring.json'), '{"version":1,"names":', { mode: 0o600 });
    expect((await failureOf(store.list())).message).toContain('is damaged');
    expect(await store.get(NAME)).toBe(VALUE);
  });
});
