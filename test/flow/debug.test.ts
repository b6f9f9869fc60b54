// SPDX-License-Identifier: Apache-2.0
// The live actors of a whole gateway, over several lanes: pages, children wherever they live, the stream of one of them.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../edge/client.ts';
import { closeHouses, type House, startHouse } from './house.ts';

let house: House;
beforeAll(async () => {
  house = await startHouse({ gateway: { threads: 3 } });
});
afterAll(closeHouses);

it('shows the sessions of all lanes in one order, and each to its workspace', async () => {
  const said = await Promise.all(Array.from({ length: 12 }, () => house.owner.chat('hello')));
  const sessions = said.map(({ body }) => `session/${body.session_id}`).sort();
  const seen: { address: string; thread: string }[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const path: string = `/debug/actors?kind=session&limit=5${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const { body } = await house.owner.get(path);
    expect(body.totals.by_kind.session).toBe(12);
    seen.push(...body.items);
    cursor = body.next_cursor;
  }
  expect(seen.map(({ address }) => address)).toEqual(sessions);
  const threads = new Set(seen.map(({ thread }) => thread));
  expect(threads.size).toBeGreaterThan(1);
  const workspace = (await house.owner.get('/debug/actors/workspace/personal:owner')).body;
  expect([workspace.children, workspace.children_total]).toEqual([sessions, 12]);
  const { items } = (await house.owner.get('/debug/threads')).body;
  const actors = items.reduce((sum: number, thread: { actors: number }) => sum + thread.actors, 0);
  expect((await house.owner.get('/debug/actors?limit=1')).body.totals.actors).toBe(actors);
});

it('streams the steps of the one actor that is wanted', async () => {
  const { session_id } = (await house.owner.chat('hello')).body;
  const trace = await house.owner.listen(`/debug/actors/stream?address=session/${session_id}`);
  await Promise.all([house.owner.chat('hello'), house.owner.chat('hello', { session_id }), house.owner.chat('hello')]);
  await until(() => trace.events.some(({ data }) => data.event === 'written' && data.to_state === 'idle'));
  expect(new Set(trace.events.map(({ data }) => data.address))).toEqual(new Set([`session/${session_id}`]));
  trace.response.destroy();
});
