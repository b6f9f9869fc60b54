// SPDX-License-Identifier: Apache-2.0
// Usage, by whatever it is asked: what the records of model calls add up to, against a plain sum.

import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { UsageBy, UsagePer, UsageRow, UsageSums } from '../../src/stores/directory-queries.ts';
import type { SessionRecord } from '../../src/stores/records.ts';
import type { ReadStore } from '../../src/stores/session-store.ts';
import { openDatabase } from '../../src/stores/sqlite/database.ts';
import { GatewayReader } from '../../src/stores/sqlite/gateway-reader.ts';
import { GATEWAY_MIGRATIONS } from '../../src/stores/sqlite/gateway-schema.ts';
import { createUsageStore } from '../../src/stores/usage-store.ts';
import { usualRuns } from '../drawn.ts';
import { SessionLog, USAGE } from './session-log.ts';
import { StoreHouse } from './store-house.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Hours after the first in which something is used: three days of them. */
const HOURS = 50;
const BEGIN = Date.UTC(2026, 0, 1);

interface Call {
  readonly session: number;
  readonly user: string;
  readonly model: string;
  readonly hour: number;
  readonly input: number;
}

/** Whose sessions there are: the last is ada's and in the workspace of the first. */
const SESSIONS = [
  { id: 's0', workspace: 'home', user: 'ada' },
  { id: 's1', workspace: 'work', user: 'bo' },
  { id: 's2', workspace: 'home', user: 'ada' },
] as const;

const houses: StoreHouse[] = [];
afterEach(() => {
  for (const house of houses.splice(0)) house.remove();
});

function openHouse(): StoreHouse {
  const house = new StoreHouse().open();
  houses.push(house);
  return house;
}

/** Writes each call as a turn of its own. */
function write(house: StoreHouse, logs: readonly SessionLog[], calls: readonly Call[], turns: { count: number }): void {
  const appends = calls.flatMap(({ session, user, model, hour, input }) => {
    const log = logs[session];
    if (log === undefined) throw new Error('no such session');
    turns.count += 1;
    const turn_id = `t${turns.count}`;
    log.at = BEGIN + hour * HOUR + turns.count;
    const received: SessionRecord = {
      ...{ type: 'message_received', message_id: `m${turns.count}`, turn_id, user_id: user, channel: 'channel/http' },
      ...{ content: 'hi', model, digest: '' },
    };
    const called: SessionRecord = {
      type: 'model_called',
      turn_id,
      call: 1,
      model,
      reserved_tokens: 9,
      reserved_usd: 1,
    };
    const replied: SessionRecord = {
      ...{ type: 'model_replied', turn_id, call: 1, content: 'x', thinking: '', tool_calls: [], finish: 'stop' },
      ...{ deltas: [1], message_id: `r${turns.count}`, usage: { ...USAGE, input_tokens: input } },
    };
    return [log.next(received, called, replied)];
  });
  house.append(...appends);
}

const keyOf = (by: UsageBy, { session, user, model }: Call): string => {
  switch (by) {
    case 'total':
      return '';
    case 'provider':
      return model.split('/')[0] ?? '';
    case 'model':
      return model;
    case 'workspace':
      return SESSIONS[session]?.workspace ?? '';
    case 'session':
      return SESSIONS[session]?.id ?? '';
    case 'user':
      return user;
  }
};

function listed(house: StoreHouse, query: Parameters<GatewayReader['usageList']>[0], limit = 200) {
  const rows: UsageRow[] = [];
  let totals: UsageSums | null = null;
  let cursor: string | undefined;
  do {
    const page = house.read('usage.list', { query, page: { limit, cursor } });
    rows.push(...page.items);
    expect(page.totals === null).toBe(cursor !== undefined);
    totals ??= page.totals;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return { rows, totals };
}

describe('usage', () => {
  it('is what a plain sum says, in pages of any size', () => {
    const house = openHouse();
    const logs = SESSIONS.map(({ id, workspace, user }) => new SessionLog(id, workspace, user));
    house.append(...logs.map((log) => log.create()));
    const turns = { count: 0 };
    const all: Call[] = [];
    const call: fc.Arbitrary<Call> = fc.record({
      session: fc.nat({ max: 2 }),
      user: fc.constantFrom('ada', 'bo'),
      model: fc.constantFrom('mock/small', 'mock/large', 'other/small'),
      hour: fc.nat({ max: HOURS }),
      input: fc.nat({ max: 1_000 }),
    });
    const bys: readonly UsageBy[] = ['total', 'provider', 'model', 'workspace', 'user', 'session'];
    fc.assert(
      fc.property(
        fc.array(call, { maxLength: 2 }),
        fc.constantFrom(...bys),
        fc.constantFrom<UsagePer>('all', 'hour', 'day'),
        fc.option(fc.tuple(fc.nat({ max: HOURS }), fc.nat({ max: HOURS + 1 }))),
        fc.constantFrom(1, 3, 200),
        fc.option(fc.constantFrom('ada', 'bo')),
        fc.option(fc.constantFrom(...new Set(SESSIONS.map(({ workspace }) => workspace)))),
        (calls, by, per, span, limit, whose, where) => {
          // What is kept grows from run to run, as it does in a gateway.
          write(house, logs, calls, turns);
          all.push(...calls);
          const [from, to] = span === null ? [0, HOURS + 1] : span;
          const user_id = by !== 'workspace' && by !== 'session' && whose !== null ? whose : undefined;
          const workspace_id = by !== 'user' && user_id === undefined && where !== null ? where : undefined;
          const want = new Map<
            string,
            { key: string; hour: number | null; calls: number; input: number; cost: number }
          >();
          for (const one of all) {
            if (one.hour < from || one.hour >= to || (user_id !== undefined && one.user !== user_id)) continue;
            if (workspace_id !== undefined && SESSIONS[one.session]?.workspace !== workspace_id) continue;
            const key = keyOf(by, one);
            const at = BEGIN + one.hour * HOUR;
            const hour = per === 'all' ? null : per === 'hour' ? at : Math.floor(at / DAY) * DAY;
            const sum = want.get(`${key} ${hour}`) ?? { key, hour, calls: 0, input: 0, cost: 0 };
            want.set(`${key} ${hour}`, sum);
            sum.calls += 1;
            sum.input += one.input;
            sum.cost += USAGE.cost_usd;
          }
          const times = span === null ? {} : { from: BEGIN + from * HOUR + 7, to: BEGIN + to * HOUR };
          const { rows, totals } = listed(house, { by, per, user_id, workspace_id, ...times }, limit);
          const ordered = [...want.values()].sort((one, other) =>
            one.key < other.key ? -1 : one.key > other.key ? 1 : (one.hour ?? 0) - (other.hour ?? 0),
          );
          expect(rows.map((row) => [row.key, row.hour, row.calls, row.input_tokens, row.cost_usd])).toEqual(
            ordered.map((sum) => [sum.key, sum.hour, sum.calls, sum.input, sum.cost]),
          );
          const sumOf = (of: (sum: (typeof ordered)[number]) => number): number =>
            ordered.reduce((sum, one) => sum + of(one), 0);
          expect(totals).toMatchObject({
            calls: sumOf(({ calls }) => calls),
            input_tokens: sumOf(({ input }) => input),
          });
        },
      ),
      { numRuns: usualRuns(1_000) },
    );
  });

  it('gives an interrupted call to whoever asked for it, and times as dates', async () => {
    const house = openHouse();
    const log = new SessionLog('s0', 'home', 'ada');
    log.at = BEGIN + 90_000;
    const message: SessionRecord = {
      ...{ type: 'message_received', message_id: 'm', turn_id: 't', user_id: 'eve', channel: 'channel/http' },
      ...{ content: 'hi', model: 'mock/small', digest: '' },
    };
    const resumed: SessionRecord = {
      ...{ type: 'turn_resumed', turn_id: 't', attempt: 1, first_event: 1, settled_tokens: 40, settled_usd: 2 },
    };
    house.append(log.create(), log.next(message, resumed));
    const store = { read: async (query: 'usage.list', body: never) => house.read(query, body) } as unknown as ReadStore;
    const { items } = await createUsageStore(store, (at) => new Date(at)).query({ by: 'user', per: 'hour' });
    expect(items).toEqual([
      {
        ...{ key: 'eve', hour: new Date(BEGIN), calls: 1, inputTokens: 0, outputTokens: 0 },
        ...{ cacheReadTokens: 0, cacheWriteTokens: 0, settledTokens: 40, costUsd: 2 },
      },
    ]);
    expect(() =>
      house.read('usage.list', { query: { by: 'user', per: 'all' }, page: { limit: 1, cursor: 'x' } }),
    ).toThrow('cursor');
  });

  it('of before it was kept by user is found under the users of the sessions', () => {
    const house = openHouse();
    const file = join(house.dir, 'old-gateway.db');
    const old = openDatabase(file, { migrations: GATEWAY_MIGRATIONS.slice(0, 3), durability: 'normal' });
    old.exec(`INSERT INTO sessions VALUES ('s0', 'home', 'ada'), ('s1', 'home', 'ada'), ('s2', 'home', 'bo');
      INSERT INTO usage VALUES ('global', 0, 'm', 'x', 3, 1, 1, 1, 1, 1, 1), ('session/s0', 0, 'm', 'x', 1, 2, 3, 4, 5, 6, 7),
        ('session/s1', 0, 'm', 'x', 1, 2, 3, 4, 5, 6, 7), ('session/s2', 3600000, 'm', 'x', 1, 1, 1, 1, 1, 1, 1)`);
    old.close();
    openDatabase(file, { migrations: GATEWAY_MIGRATIONS, durability: 'normal' }).close();
    const reader = new GatewayReader(file);
    const { items } = reader.usageList({ by: 'user', per: 'all' }, { limit: 10 });
    reader.close();
    expect(items.map(({ key, calls, input_tokens, cost_usd }) => [key, calls, input_tokens, cost_usd])).toEqual([
      ['ada', 2, 4, 14],
      ['bo', 1, 1, 1],
    ]);
  });
});
