// SPDX-License-Identifier: Apache-2.0
// Secrets in the environment, and how the backends are chosen.

import { describe, expect, it } from 'vitest';
import { referenceTo, variableOf } from '../../src/config/secret-name.ts';
import { createEnvStore } from '../../src/secrets/env-store.ts';
import { openSecrets } from '../../src/secrets/open.ts';
import { secretName } from '../../src/secrets/store.ts';
import { secretStoreContract } from './contract.ts';
import { dataDir, failureOf, named } from './scratch.ts';

let env: Record<string, string> = {};
secretStoreContract('the environment', {
  open: async () => {
    env = {};
    return { store: createEnvStore(env), again: async () => createEnvStore(env) };
  },
  put: (name, value) => {
    env[variableOf(name)] = value;
  },
  runs: 0,
});

describe('the environment', () => {
  it('lists names that lead back to their variables, and leaves out what stands for none', async () => {
    const store = createEnvStore({
      SIGIL_SECRET_OPENAI_MAIN_KEY: 'a',
      SIGIL_SECRET_EMPTY_X: '',
      SIGIL_SECRET_ALONE: 'b',
      SIGIL_SECRETS_BACKEND: 'env',
      SIGIL_SECRET__ODD: 'c',
    });
    const names = (await store.list()).map(({ name }) => name);
    expect(names).toEqual(['openai/main_key']);
    expect(await Promise.all(names.map((name) => store.get(name)))).toEqual(['a']);
    expect(await store.get(named('OpenAI/main-key'))).toBe('a');
    expect((await failureOf(store.get(named('empty/x')))).details?.['advice']).toContain('SIGIL_SECRET_EMPTY_X');
  });
});

describe('names', () => {
  it.each(['', 'a/b/c', '/a', 'a/', 'a b', 'é', '-a', 'a/.b', 'x=hunter2', 'a'.repeat(65), 'keyring://a/b'])(
    '%j is none, and is not repeated',
    (text) => {
      expect(() => secretName(text)).toThrow('This is no name of a secret.');
    },
  );

  it('are written with or without a service', () => {
    expect(referenceTo(secretName('main'))).toBe('keyring://sigil/main');
    expect(referenceTo(secretName('my-svc/anna@example.org+1'))).toBe('keyring://my-svc/anna@example.org+1');
    expect(variableOf(secretName('my-svc/anna@example.org+1'))).toBe('SIGIL_SECRET_MY_SVC_ANNA_EXAMPLE_ORG_1');
  });
});

describe('the backend', () => {
  const nothing = { env: {}, platform: 'linux' } as const;

  it('is one of those that exist', async () => {
    const { code, message, details } = await failureOf(
      openSecrets({ backend: 'vault', dataDir: dataDir(), ...nothing }),
    );
    expect([code, message]).toEqual(['validation_failed', 'There is no secrets backend "vault".']);
    expect(details?.['advice']).toBe('Set secrets.backend to one of auto, keyring, file, env.');
    await failureOf(openSecrets({ backend: 'constructor', dataDir: dataDir(), ...nothing }));
    expect((await openSecrets({ backend: 'env', dataDir: dataDir(), ...nothing })).backend).toBe('env');
  });

  it('is the file where `auto` finds no session bus, and says why', async () => {
    const store = await openSecrets({ backend: 'auto', dataDir: dataDir(), ...nothing });
    expect(store.backend).toBe('file');
    expect(store.place).toContain('no session bus is there');
    await store.set(named('a'), 'kept');
    expect(await store.get(named('a'))).toBe('kept');
    expect((await failureOf(store.get(named('b')))).message).toContain(
      'keyring://sigil/b is not in the encrypted file',
    );
    expect(await store.protection?.()).toBe('key');
  });

  it('is the file where a bus is named and nobody answers on it', async () => {
    const store = await openSecrets({
      backend: 'auto',
      dataDir: dataDir(),
      platform: 'linux',
      env: { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' },
    });
    expect(store.backend).toBe('file');
    expect(store.place).toContain('the keyring cannot be used');
  });
});
