// SPDX-License-Identifier: Apache-2.0
// The pool of workers: none before the first job, bounded, and every job answered, whatever becomes of its worker.

import { afterEach, describe, expect, it } from 'vitest';
import { embedderHandlers } from '../../src/composition/embedder.ts';
import { JobPool, type JobPoolOptions } from '../../src/composition/pool.ts';
import { realWorld } from '../../src/composition/real-world.ts';
import { hash384 } from '../../src/embeddings/hash-384.ts';
import type { Failure } from '../../src/errors.ts';
import type { EmbedderProtocol } from '../../src/stores/embedder.ts';

const JOBS = new URL('./pool-jobs.ts', import.meta.url);
const ENTRY = new URL('../../src/pool.ts', import.meta.url);

const pools: JobPool[] = [];
function open(options: Partial<JobPoolOptions> = {}): JobPool {
  const pool = new JobPool({ entry: JOBS, world: realWorld, threads: 1, ...options });
  pools.push(pool);
  return pool;
}
afterEach(async () => {
  for (const pool of pools.splice(0)) await pool.close();
});

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'done',
    (error: { readonly failure?: Failure }) => error.failure?.code ?? String(error),
  );

describe('the pool', () => {
  it('starts with its first job and does them in order', async () => {
    const pool = open();
    expect(pool.stats.started).toBe(false);
    const jobs = ['a', 'b', 'c'].map((input) => pool.run('answer', input));
    expect(await Promise.all(jobs)).toMatchObject([{ input: 'a' }, { input: 'b' }, { input: 'c' }]);
    expect(await pool.threads()).toBe(1);
    expect(pool.stats).toEqual({ waiting: 0, running: 0, started: true });
  });

  it('ends a worker that has nothing to do', async () => {
    const pool = open({ idle: 1 });
    await pool.run('answer', 1);
    await expect.poll(() => pool.threads()).toBe(0);
    expect(await pool.run('answer', 2)).toMatchObject({ input: 2 });
  });

  it('says what a job throws', async () => {
    await expect(open().run('refuse', null)).rejects.toThrow('this job does not want to');
  });

  it.each([
    ['hang', 'deadline_exceeded', { within: 2_000 }],
    ['die', 'thread_lost', {}],
    ['flood', 'thread_lost', { memory: 32 }],
  ] as const)(
    'answers a job that would %s with %s, and does the next',
    async (name, code, options) => {
      const pool = open(options);
      const bad = codeOf(pool.run(name, null));
      const next = pool.run('answer', 'next');
      expect(await bad).toBe(code);
      expect(await next).toMatchObject({ input: 'next' });
    },
    30_000,
  );

  it('refuses what is too much, at once', async () => {
    const pool = open({ waiting: 2 });
    const jobs = Array.from({ length: 4 }, (_, at) => codeOf(pool.run('answer', at)));
    expect(await Promise.all(jobs)).toEqual(['done', 'done', 'done', 'overloaded']);
  });

  it('fails everything when it is closed', async () => {
    const pool = open();
    const jobs = [codeOf(pool.run('hang', null)), codeOf(pool.run('answer', null))];
    await pool.close();
    expect(await Promise.all(jobs)).toEqual(['draining', 'draining']);
    expect(await codeOf(pool.run('answer', null))).toBe('draining');
  });

  it('answers a job of a file that cannot be loaded', async () => {
    const pool = open({ entry: new URL('./no-such-file.ts', import.meta.url), within: 5_000 });
    expect(await codeOf(pool.run('answer', null))).not.toBe('done');
    expect(await codeOf(pool.run('answer', null))).not.toBe('done');
  });
});

describe('the embedder', () => {
  type Asked<T extends keyof EmbedderProtocol> = EmbedderProtocol[T];
  function ask<T extends keyof EmbedderProtocol>(
    pool: JobPool,
    type: T,
    body: Asked<T>['body'],
  ): Promise<{ readonly reply?: Asked<T>['reply']; readonly error?: Failure }> {
    return new Promise((resolve) => {
      const request = {
        body,
        reply: (reply: Asked<T>['reply']) => resolve({ reply }),
        fail: (error: Failure) => resolve({ error }),
      };
      const handlers = embedderHandlers(pool) as { readonly [K in keyof EmbedderProtocol]: (asked: object) => void };
      handlers[type](request);
    });
  }

  it('gives what the model gives, from a worker', async () => {
    const texts = ['where are the keys', '', 'der Schlüssel'];
    const { reply } = await ask(open({ entry: ENTRY }), 'pool.embed', { model: 'sigil/hash-384', texts });
    expect(reply?.vectors).toEqual(hash384.embed(texts));
  });

  it('refuses a model that is not there, naming those that are, and too much at once', async () => {
    const pool = open({ entry: ENTRY });
    const unknown = await ask(pool, 'pool.embed', { model: 'acme/none', texts: ['a'] });
    expect(unknown.error).toMatchObject({
      code: 'validation_failed',
      message: expect.stringContaining('sigil/hash-384'),
    });
    const many = { model: 'sigil/hash-384', texts: Array.from({ length: 65 }, () => 'a') };
    expect((await ask(pool, 'pool.embed', many)).error?.code).toBe('payload_too_large');
    const long = { model: 'sigil/hash-384', texts: ['x'.repeat(65_537)] };
    expect((await ask(pool, 'pool.embed', long)).error?.code).toBe('payload_too_large');
    expect(pool.stats.started).toBe(false);
    expect((await ask(pool, 'pool.model', { model: 'sigil/hash-384' })).reply).toEqual({
      name: 'sigil/hash-384',
      dimensions: 384,
    });
    expect((await ask(pool, 'pool.model', { model: 'x/y' })).error?.code).toBe('validation_failed');
  });
});
