// SPDX-License-Identifier: Apache-2.0
// The encrypted file: who can open it, what becomes of it when it is damaged, and writers that meet or are killed.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Decrypter, Encrypter } from 'age-encryption';
import { afterEach, describe, expect, it } from 'vitest';
import { createFileStore } from '../../src/secrets/file-store.ts';
import { withLock } from '../../src/secrets/private-file.ts';
import type { SecretStore } from '../../src/secrets/store.ts';
import { secretStoreContract } from './contract.ts';
import { dataDir, failureOf, named } from './scratch.ts';

const CHILD = fileURLToPath(new URL('file-child.ts', import.meta.url));
const NAME = named('openai/main');
const VALUE = 'sk-a-value-nobody-may-see';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A guess at a passphrase takes some tenths of a second: one test tries that, the others are about something else. */
const QUICK = 10;

function storeIn(dir: string, passphrase?: string): SecretStore {
  const env = passphrase === undefined ? {} : { SIGIL_SECRETS_PASSPHRASE: passphrase };
  return createFileStore({ dataDir: dir, env, now: Date.now, work: QUICK });
}

const fileIn = (dir: string) => join(dir, 'secrets.age');
const keyIn = (dir: string) => join(dir, 'secrets.key');

async function kept(passphrase?: string): Promise<string> {
  const dir = join(dataDir(), 'made', 'by-it');
  await storeIn(dir, passphrase).set(NAME, VALUE);
  return dir;
}

/** Fails, saying nothing of any value. */
async function refused(work: Promise<unknown>): Promise<string> {
  const { code, message, details } = await failureOf(work);
  const told = `${message} ${String(details?.['advice'])}`;
  expect(code).toBe('storage_failed');
  expect(told).not.toContain(VALUE);
  return told;
}

secretStoreContract('the encrypted file', {
  open: async () => {
    const dir = dataDir();
    return { store: storeIn(dir), again: async () => storeIn(dir) };
  },
  runs: 25,
});

describe('who can open it', () => {
  it('is its owner, who alone may read anything of it', async () => {
    const dir = await kept();
    for (const file of readdirSync(dir)) expect([file, statSync(join(dir, file)).mode & 0o777]).toEqual([file, 0o600]);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    expect(readdirSync(dir).sort()).toEqual(['secrets.age', 'secrets.key', 'secrets.lock']);
    for (const file of readdirSync(dir)) expect(readFileSync(join(dir, file), 'latin1')).not.toContain(VALUE);
  });

  it('is age itself, with the key or the passphrase', async () => {
    const withKey = await kept();
    const identity =
      readFileSync(keyIn(withKey), 'utf8')
        .split('\n')
        .find((line) => line.startsWith('AGE-')) ?? '';
    const byKey = new Decrypter();
    byKey.addIdentity(identity);
    expect(await byKey.decrypt(readFileSync(fileIn(withKey)), 'text')).toContain(VALUE);
    const withPassphrase = dataDir();
    const store = createFileStore({
      dataDir: withPassphrase,
      env: { SIGIL_SECRETS_PASSPHRASE: 'correct horse' },
      now: Date.now,
    });
    await store.set(NAME, VALUE);
    expect(readFileSync(fileIn(withPassphrase), 'latin1')).toMatch(/^age-encryption.org\/v1\n-> scrypt \S+ 17\n/);
    expect(existsSync(keyIn(withPassphrase))).toBe(false);
    const byPassphrase = new Decrypter();
    byPassphrase.addPassphrase('correct horse');
    expect(await byPassphrase.decrypt(readFileSync(fileIn(withPassphrase)), 'text')).toContain(VALUE);
  });

  it('and what age wrote opens here', async () => {
    const dir = dataDir();
    const encrypter = new Encrypter();
    encrypter.setPassphrase('correct horse');
    encrypter.setScryptWorkFactor(12);
    const content = { version: 1, secrets: { [NAME]: { value: VALUE, set_at: '2026-01-01T00:00:00.000Z' } } };
    writeFileSync(fileIn(dir), await encrypter.encrypt(JSON.stringify(content)));
    expect(await storeIn(dir, 'correct horse').get(NAME)).toBe(VALUE);
  });

  it('is nobody with another passphrase, or none, and nothing is written over what cannot be read', async () => {
    const dir = await kept('correct horse');
    const before = readFileSync(fileIn(dir));
    for (const passphrase of ['battery staple', undefined]) {
      const store = storeIn(dir, passphrase);
      const said = passphrase === undefined ? 'SIGIL_SECRETS_PASSPHRASE is not set' : 'does not open';
      expect(await refused(store.get(NAME))).toContain(said);
      expect(await refused(store.set(NAME, 'other'))).toContain(said);
      expect(await refused(store.remove(NAME))).toContain(said);
      expect(await refused(store.list())).toContain(said);
    }
    expect(readFileSync(fileIn(dir))).toEqual(before);
    expect(existsSync(keyIn(dir))).toBe(false);
  });

  it('is nobody without the key, or with that of another file', async () => {
    const [dir, other] = [await kept(), await kept()];
    writeFileSync(keyIn(dir), readFileSync(keyIn(other)));
    expect(await refused(storeIn(dir).get(NAME))).toContain('belongs to another file');
    rmSync(keyIn(dir));
    expect(await refused(storeIn(dir).set(NAME, 'x'))).toContain('is not');
    expect(existsSync(keyIn(dir))).toBe(false);
    writeFileSync(keyIn(dir), 'no key\n', { mode: 0o600 });
    expect(await refused(storeIn(dir).get(NAME))).toContain('holds no key');
  });

  it('is nobody while others could have read the key', async () => {
    const dir = await kept();
    for (const mode of [0o640, 0o604, 0o620]) {
      chmodSync(keyIn(dir), mode);
      expect(await refused(storeIn(dir).get(NAME))).toContain(`chmod 600 ${keyIn(dir)}`);
    }
    chmodSync(keyIn(dir), 0o400);
    expect(await storeIn(dir).get(NAME)).toBe(VALUE);
  });

  it('changes from key to passphrase with the first secret that is set under one', async () => {
    const dir = await kept();
    const store = storeIn(dir, 'correct horse');
    expect([await store.get(NAME), await store.protection?.()]).toEqual([VALUE, 'key']);
    await store.set(named('b'), 'second');
    expect(await store.protection?.()).toBe('passphrase');
    expect(await storeIn(dir, 'correct horse').get(NAME)).toBe(VALUE);
    await refused(storeIn(dir).get(NAME));
  });
});

describe('a damaged file', () => {
  it.each([
    ['with the key', undefined],
    ['with the passphrase', 'correct horse'],
  ])(
    'is never taken for an empty one or written over, %s',
    async (_, passphrase) => {
      const dir = await kept(passphrase);
      const whole = readFileSync(fileIn(dir));
      const flipped = Buffer.from(whole);
      flipped[whole.length - 20] = (flipped[whole.length - 20] ?? 0) ^ 1;
      const lengths = passphrase === undefined ? [0, 1, 21, 60, 120, 180, whole.length - 1] : [0, 40, whole.length - 1];
      for (const bytes of [
        ...lengths.map((length) => whole.subarray(0, length)),
        flipped,
        Buffer.from('no age file'),
      ]) {
        writeFileSync(fileIn(dir), bytes);
        await refused(storeIn(dir, passphrase).get(NAME));
        await refused(storeIn(dir, passphrase).set(NAME, 'other'));
        expect(readFileSync(fileIn(dir))).toEqual(bytes);
      }
      writeFileSync(fileIn(dir), whole);
      expect(await storeIn(dir, passphrase).get(NAME)).toBe(VALUE);
    },
    60_000,
  );

  it('and one of a newer version, or of somebody else, is named', async () => {
    const dir = await kept();
    const identity = readFileSync(keyIn(dir), 'utf8').split('\n')[1] ?? '';
    const { seal } = await import('../../src/secrets/age-box.ts');
    const put = async (text: string) =>
      writeFileSync(fileIn(dir), await seal(text, { kind: 'identity', identity }), { mode: 0o600 });
    await put(JSON.stringify({ version: 2, secrets: [] }));
    expect(await refused(storeIn(dir).get(NAME))).toContain('newer Sigil');
    for (const text of [
      VALUE,
      `{"version":1,"secrets":{"${NAME}":"${VALUE}"}}`,
      '{"version":1,"secrets":{"a b":{}}}',
    ]) {
      await put(text);
      expect(await refused(storeIn(dir).get(NAME))).toContain('is damaged');
    }
  });
});

describe('writers', () => {
  it('in one process and in others wait for each other', async () => {
    const dir = dataDir();
    const processes = ['p', 'q'].map((prefix) => {
      const child = spawn(process.execPath, [CHILD, dir, prefix, '15'], { stdio: ['ignore', 'ignore', 'inherit'] });
      children.push(child);
      return once(child, 'exit');
    });
    const here = [storeIn(dir), storeIn(dir)];
    const own = Array.from({ length: 10 }, (_, index) => here[index % 2]?.set(named(`here${index}`), `value ${index}`));
    await Promise.all([...own, ...processes]);
    expect(await Promise.all(processes)).toEqual([
      [0, null],
      [0, null],
    ]);
    const names = (await storeIn(dir).list()).map(({ name }) => name);
    expect(names).toHaveLength(40);
    // Somebody who looked before sees what was written since.
    for (const store of here) expect(await store.list()).toHaveLength(40);
  });

  it('that wait in the same process do not open the lock to another process', async () => {
    const path = join(dataDir(), 'secrets.lock');
    const script = `const db = new (require('better-sqlite3'))(${JSON.stringify(path)}, { timeout: 0 });
      try { db.exec('BEGIN IMMEDIATE'); console.log('taken'); } catch (thrown) { console.log(thrown.code); }`;
    const other = (): string =>
      spawnSync(process.execPath, ['-e', script], { cwd: import.meta.dirname, encoding: 'utf8' }).stdout.trim();
    let second = Promise.resolve();
    await withLock(path, async () => {
      expect(other()).toBe('SQLITE_BUSY');
      second = withLock(path, async () => undefined);
      // It has looked once, and looks again later.
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      expect(other()).toBe('SQLITE_BUSY');
    });
    await second;
    expect(other()).toBe('taken');
  });

  it('that are killed leave what they said is kept, and hold nobody up', async () => {
    const dir = dataDir();
    await storeIn(dir).set(NAME, VALUE);
    let said = 0;
    for (let round = 0; round < 20; round += 1) {
      const child = spawn(process.execPath, [CHILD, dir, `r${round}-`, '1000'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      let told = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        told += text;
      });
      await once(child.stdout, 'data');
      // At another place of a write in each round: a write takes some milliseconds.
      await new Promise((resolve) => setTimeout(resolve, round * 1.3));
      child.kill('SIGKILL');
      await once(child, 'close');
      const store = storeIn(dir);
      const lines = told.split('\n').slice(0, -1);
      said += lines.length;
      for (const line of lines) expect(await store.get(named(line))).toBe(`value of ${line}`);
      expect(await store.get(NAME)).toBe(VALUE);
      await store.set(named(`after${round}`), 'kept');
      expect(readdirSync(dir).sort()).toEqual(['secrets.age', 'secrets.key', 'secrets.lock']);
    }
    expect(said).toBeGreaterThanOrEqual(20);
  });
});

it('says so when its directory cannot be', async () => {
  for (const dir of ['/proc/nowhere', join(fileURLToPath(import.meta.url), 'below')]) {
    await refused(storeIn(dir).set(NAME, VALUE));
  }
});
