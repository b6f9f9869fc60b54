// SPDX-License-Identifier: Apache-2.0
// A flood of questions: how many are worked on at once, whose turn is next, and that messages do not wait for any of them.

import { expect, it } from 'vitest';
import type { ReadStore } from '../../src/stores/session-store.ts';
import { until } from './client.ts';
import { FakeHouse, grant } from './fake-house.ts';
import { setUp } from './setup.ts';

/** A store whose answers to one question are held back. */
function holding(house: FakeHouse): { readonly store: ReadStore; readonly held: (() => void)[] } {
  const held: (() => void)[] = [];
  const read = async (query: string, body: { turn_id?: string }): Promise<unknown> => {
    if (query === 'turn.get' && body.turn_id?.startsWith('held') === true)
      await new Promise<void>((resolve) => held.push(resolve));
    return await house.store.read(query as 'turn.get', body as never);
  };
  return { store: { read } as unknown as ReadStore, held };
}

async function flooded() {
  const behind = new FakeHouse();
  const { store, held } = holding(behind);
  const tokens = ['fay', 'bo'].map((user) => grant(user, user, []));
  // Nothing is slow: the clock of those that are is still.
  const later: (() => void)[] = [];
  const real = behind.ports().world;
  const after = (ms: number, run: () => void): (() => void) => {
    if (ms !== 250) return real.after(ms, run);
    later.push(run);
    return () => undefined;
  };
  const world = { ...real, after };
  const setup = await setUp({}, { tokens, store, world });
  const ask = (token: string) => setup.client.call('GET', `/api/v1/turns/held-${token}`, { token });
  return { ...setup, held, ask, later };
}

it('works on 32 at once, on 4 while somebody talks, and on the next of somebody else first', async () => {
  const { held, ask, client } = await flooded();
  let answered = 0;
  const floods = Array.from({ length: 100 }, async () => {
    expect((await ask('fay')).status).toBe(404);
    answered += 1;
  });
  await until(() => held.length === 32);
  // Whatever waits, a message goes by.
  expect((await client.call('POST', '/api/v1/chat', { token: 'bo', json: { content: 'hi' } })).status).not.toBe(503);
  // 28 of them end, and no other begins: somebody has just talked.
  for (const end of held.splice(0, 28)) end();
  await until(() => answered === 28);
  const bos = ask('bo').then(({ status }) => status);
  await client.call('GET', '/health');
  expect(held.length).toBe(4);
  // Two more of sixty-eight that came before, at most, and it is the turn of who came last.
  for (const end of held.splice(0, 2)) end();
  await until(() => held.length === 4);
  for (const end of held.splice(2)) end();
  expect(await bos).toBe(404);
  expect(answered).toBeLessThan(36);
  const drain = setInterval(() => {
    for (const end of held.splice(0)) end();
  }, 1);
  await Promise.all(floods);
  clearInterval(drain);
});

it('does not count those that wait for somebody themselves', async () => {
  const { held, ask, later } = await flooded();
  const slow = Array.from({ length: 40 }, () => ask('fay'));
  await until(() => held.length === 32);
  for (const run of later.splice(0)) run();
  await until(() => held.length === 40);
  for (const end of held.splice(0)) end();
  for (const { status } of await Promise.all(slow)) expect(status).toBe(404);
});

it('refuses one who has 512 waiting, and nobody else', async () => {
  const { held, ask } = await flooded();
  let refused = 0;
  const floods = Array.from({ length: 600 }, async () => {
    const reply = await ask('fay');
    if (reply.status !== 503) return;
    refused += 1;
    expect([reply.body.code, Number(reply.headers['retry-after'])]).toEqual(['overloaded', expect.any(Number)]);
  });
  await until(() => refused === 600 - 512 - 32);
  const bos = ask('bo');
  const drain = setInterval(() => {
    for (const end of held.splice(0)) end();
  }, 1);
  expect((await bos).status).toBe(404);
  await Promise.all(floods);
  clearInterval(drain);
  expect(refused).toBe(56);
});
