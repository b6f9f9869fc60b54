// SPDX-License-Identifier: Apache-2.0
// Backups over HTTP: who may have one, what goes out, and that a part never looks like the whole.

import { describe, expect, it } from 'vitest';
import { failure, SigilError } from '../../src/errors.ts';
import { grant } from './fake-house.ts';
import { setUp } from './setup.ts';

const post = (url: string, token: string, body: unknown = {}): Promise<Response> =>
  fetch(`${url}/api/v1/backups`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

const tokens = [
  grant('owner-token', 'owner', ['admin:*']),
  grant('backup-token', 'robot', ['admin:backup']),
  grant('member-token', 'anna', []),
];

describe('a backup over HTTP', () => {
  it('is the archive, under a name, to who may have it', async () => {
    const { house, url } = await setUp({}, { tokens });
    const chunks = Array.from({ length: 40 }, (_, index) => Buffer.alloc(64 * 1024, index));
    house.archive = async function* () {
      yield* chunks;
    };
    const answer = await post(url, 'backup-token');
    expect(answer.headers.get('content-type')).toBe('application/gzip');
    expect(answer.headers.get('content-disposition')).toMatch(/^attachment; filename="sigil-\d{8}T\d{6}\.tar\.gz"$/);
    expect(Buffer.compare(Buffer.from(await answer.arrayBuffer()), Buffer.concat(chunks))).toBe(0);
    expect((await post(url, 'member-token')).status).toBe(403);
    // The keys to everything are more than everything anybody wrote.
    expect((await post(url, 'backup-token', { with_secrets: true })).status).toBe(403);
    expect((await post(url, 'owner-token', { with_secrets: true })).status).toBe(200);
    expect((await post(url, 'owner-token', { secrets: true })).status).toBe(422);
  });

  it('is refused while another is made; one that breaks off breaks the connection', async () => {
    const { house, url } = await setUp({}, { tokens });
    house.archive = async function* () {
      if (house.logged.length >= 0) throw new SigilError(failure('conflict', 'A backup is being made already.'));
      yield Buffer.alloc(0);
    };
    expect((await post(url, 'owner-token')).status).toBe(409);
    house.archive = async function* () {
      yield Buffer.alloc(1024);
      throw new Error('the disk is gone');
    };
    await expect(post(url, 'owner-token').then((broken) => broken.arrayBuffer())).rejects.toThrow();
    expect(JSON.stringify(house.logged).includes('request failed')).toBe(true);
  });

  it('ends when its reader goes away', async () => {
    const { house, url } = await setUp({}, { tokens });
    const ended = Promise.withResolvers<void>();
    house.archive = async function* () {
      try {
        for (;;) yield Buffer.alloc(256 * 1024);
      } finally {
        ended.resolve();
      }
    };
    const gone = new AbortController();
    const answer = await fetch(`${url}/api/v1/backups`, {
      method: 'POST',
      headers: { authorization: 'Bearer owner-token' },
      signal: gone.signal,
    });
    expect(answer.status).toBe(200);
    gone.abort();
    await ended.promise;
  });
});
