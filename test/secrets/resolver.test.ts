// SPDX-License-Identifier: Apache-2.0
// From a secret as it is written to what it stands for: when it is looked up, what is hidden, and what goes wrong.

import { describe, expect, it } from 'vitest';
import { failure, SigilError } from '../../src/errors.ts';
import { createEnvStore } from '../../src/secrets/env-store.ts';
import { HIDDEN, Redactor } from '../../src/secrets/redactor.ts';
import { createResolver } from '../../src/secrets/resolver.ts';
import { machine } from '../config/machine.ts';
import { failureOf } from './scratch.ts';

function stand(env: Record<string, string> = {}) {
  const redactor = new Redactor();
  const opened: string[] = [];
  const trouble = { left: 0 };
  const { resolve } = createResolver({
    redactor,
    source: machine({ '/run/key': 'from a file\n' }, env),
    open: async () => {
      opened.push('opened');
      trouble.left -= 1;
      if (trouble.left >= 0) throw new SigilError(failure('storage_failed', 'The keyring is locked.'));
      return createEnvStore(env);
    },
  });
  return { redactor, opened, resolve, trouble };
}

describe('a secret', () => {
  it('is looked up each time it is used, and the store opened only by a reference to it', async () => {
    const env: Record<string, string> = { KEY: 'from the environment', SIGIL_SECRET_A_B: 'from the store' };
    const { resolve, opened, redactor } = stand(env);
    expect(await resolve('written out')).toBe('written out');
    expect(await resolve('a $${KEY}')).toBe('a ${KEY}');
    expect(await resolve('${KEY}')).toBe('from the environment');
    expect(await resolve('file:///run/key')).toBe('from a file');
    expect(opened).toEqual([]);
    expect(await resolve('keyring://a/b')).toBe('from the store');
    env['SIGIL_SECRET_A_B'] = 'changed since';
    env['KEY'] = 'changed as well';
    expect([await resolve('keyring://a/b'), await resolve('${KEY}')]).toEqual(['changed since', 'changed as well']);
    expect(opened).toEqual(['opened']);
    const all = 'written out|from the environment|from a file|from the store|changed since|changed as well';
    expect(redactor.text(all)).toBe(Array(6).fill(HIDDEN).join('|'));
  });

  it('within a text is hidden by itself, and so is a password in a URL', async () => {
    const { resolve, redactor } = stand({ PG: 'p4ssw0rd' });
    expect(await resolve('postgres://sigil:${PG}@db/x')).toBe('postgres://sigil:p4ssw0rd@db/x');
    expect(redactor.text('password p4ssw0rd refused')).toBe(`password ${HIDDEN} refused`);
    await resolve('postgres://sigil:h%40nter2@db/x');
    expect(redactor.text('h%40nter2 h@nter2')).toBe(`${HIDDEN} ${HIDDEN}`);
  });
});

describe('a reference that leads nowhere', () => {
  it('says so, and what to do', async () => {
    const { resolve } = stand();
    for (const [written, code, said, advice] of [
      ['keyring://a/b', 'not_found', 'keyring://a/b is not in the environment', 'SIGIL_SECRET_A_B'],
      ['keyring://sk-misplaced', 'validation_failed', 'names no kept secret', 'keyring://service/account'],
      ['${GONE}', 'validation_failed', 'GONE is not set', 'GONE set in the environment'],
      ['file:///gone', 'validation_failed', '/gone cannot be read', 'a file this user may read'],
      ['${sk-misplaced', 'validation_failed', 'is not a reference', '${NAME}'],
    ] as const) {
      const found = await failureOf(resolve(written));
      expect([found.code, found.message]).toEqual([code, expect.stringContaining(said)]);
      expect(found.details?.['advice']).toContain(advice);
      expect(JSON.stringify(found)).not.toContain('sk-misplaced');
    }
  });

  it('is looked up again when the store could not be opened', async () => {
    const { resolve, trouble, opened } = stand({ SIGIL_SECRET_A_B: 'kept here' });
    trouble.left = 1;
    expect((await failureOf(resolve('keyring://a/b'))).message).toBe('The keyring is locked.');
    expect(await resolve('keyring://a/b')).toBe('kept here');
    expect(opened).toHaveLength(2);
  });
});
