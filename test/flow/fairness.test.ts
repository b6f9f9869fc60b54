// SPDX-License-Identifier: Apache-2.0
// Fair order on one lane's thread: a session that is flooded, or makes tool rounds as fast as it can, does not keep others waiting.

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, expect, it } from 'vitest';
import { auditJournal } from '../crash/audit.ts';
import { until } from '../edge/client.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer } from '../wire/server.ts';
import { closeHouses, startHouse } from './house.ts';

afterAll(closeHouses);

interface Row {
  readonly stream: string;
  readonly type: string;
  readonly turn_id: string;
}

/**
 * For every turn outside of the flooded session, how many of that session's turns ended between its message and its end:
 * what it was kept waiting for, counted in turns and not in time.
 */
function waits(dataDir: string, flooded: string): readonly number[] {
  const db = new Database(join(dataDir, 'journal.db'), { readonly: true });
  const rows = db.prepare<[], Row>('SELECT stream, type, turn_id FROM records ORDER BY seq').all();
  db.close();
  const since = new Map<string, number>();
  const found: number[] = [];
  let ended = 0;
  for (const { stream, type, turn_id } of rows) {
    if (stream === flooded) ended += type === 'turn_finished' ? 1 : 0;
    else if (type === 'message_received') since.set(turn_id, ended);
    else if (type === 'turn_finished') found.push(ended - (since.get(turn_id) ?? ended));
  }
  return found;
}

it('gives every session its turn beside one with a full mailbox and endless rounds of tools', async () => {
  const house = await startHouse({ gateway: { threads: 1 } });
  const { session_id } = (await house.owner.chat('hello')).body;
  let going = true;
  let refused = 0;
  const flood = Array.from({ length: 64 }, async (_, client) => {
    for (let at = 0; going; at += 1) {
      const content = `what is ${client}+${at}? and what is ${at}*2? and what time is it?`;
      const { status } = await house.owner.chatOrWait(content, { session_id, message_id: `flood-${client}-${at}` });
      if (status !== 200) refused += 1;
    }
  });
  const neighbours = Array.from({ length: 4 }, async (_, neighbour) => {
    const first = await house.owner.chatOrWait('hello', { message_id: `first-${neighbour}` });
    for (let at = 0; at < 10; at += 1) {
      const more = { session_id: first.body.session_id, message_id: `neighbour-${neighbour}-${at}` };
      const { body } = await house.owner.chatOrWait(`what is ${at}+1?`, more);
      expect(body).toMatchObject({ content: `${at}+1 = ${at + 1}` });
    }
  });
  await Promise.all(neighbours);
  going = false;
  await Promise.all(flood);
  await house.drain();
  expect(auditJournal(house.dataDir).problems).toEqual([]);
  const counted = waits(house.dataDir, `session/${session_id}`);
  expect(counted.length).toBeGreaterThanOrEqual(44);
  // A neighbour's turn has as many steps as one of the flooded session: fair is about one of those to each of its own.
  const sorted = counted.toSorted((a, b) => a - b);
  expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThanOrEqual(2);
  expect(sorted.at(-1)).toBeLessThanOrEqual(8);
  expect(refused).toBe(0);
});

it('gives 20 sessions their model beside one with a thousand turns, in twice the time they take alone', async () => {
  const vendor = await startWireServer();
  const usage = { inputTokens: 1, outputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0 };
  vendor.answer(openAiChat.stream({ parts: [{ type: 'text', deltas: ['Yes.'] }], finish: 'stop', usage }));
  const house = await startHouse({
    providers: { mine: { type: 'openai-compatible', endpoint: vendor.url, max_concurrency: 4 } },
    models: { default: 'mine/a', budgets: { per_hour_usd: 0, per_day_usd: 0 } },
  });
  const { session_id } = (await house.owner.chat('flood', { message_id: 'flood' })).body;
  let left = 1_000;
  // As many as may wait in one session are always waiting.
  const flood = Array.from({ length: 60 }, async () => {
    while (left > 0) {
      left -= 1;
      await house.owner.chatOrWait('flood', { session_id, message_id: `flood-${left}` });
    }
  });
  await until(() => vendor.requests.length > 40);
  const others = Array.from({ length: 20 }, async (_, at) => {
    const reply = await house.owner.chatOrWait('other', { message_id: `other-${at}` });
    expect(reply.body.content).toBe('Yes.');
  });
  await Promise.all(others);
  left = 0;
  await Promise.all(flood);
  await house.drain();
  await vendor.close();
  // While one of them waits the flood has about as many turns as one of them, and never more than twice what all of them have.
  const counted = waits(house.dataDir, `session/${session_id}`).toSorted((a, b) => a - b);
  expect(counted).toHaveLength(20);
  expect(counted[10]).toBeLessThanOrEqual(4);
  expect(counted.at(-1)).toBeLessThanOrEqual(40);
});
