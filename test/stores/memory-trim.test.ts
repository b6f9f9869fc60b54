// SPDX-License-Identifier: Apache-2.0
// How long messages stay: sessions that have grown are told of, trims take the oldest of one session, and what is not summed
// up stays when it is to be summed up.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { storeWorkspace, type WorkspaceRecord } from '../../src/stores/workspace-records.ts';
import { SessionLog } from './session-log.ts';
import { dumpRebuilt, dumpViews, StoreHouse } from './store-house.ts';

describe('messages in memory', () => {
  let house = new StoreHouse();
  let grown: string[] = [];
  let n = 0;
  let written = 0;
  beforeEach(() => {
    house = new StoreHouse();
    grown = [];
    n = 0;
    written = 0;
  });
  afterEach(() => house.remove());

  const open = (keep_last: number, summed?: { window: number; batch: number }): void => {
    const told = (workspace: string, session: string): void => void grown.push(`${workspace}/${session}`);
    house
      .openJournal()
      .openViews({ recent: { keep_last, summed, grown: told } })
      .openReader();
  };
  const say = (log: SessionLog, count: number): string[] => {
    const ids = Array.from({ length: count }, () => `${log.id}-m${++n}`);
    house.append(...ids.map((id) => log.next(log.receive(`said ${id}`, `t-${id}`, id))));
    return ids;
  };
  const write = (...records: readonly WorkspaceRecord[]): void => {
    if (house.writer?.seq === undefined) return;
    const items = [{ at: 1, records: records.map(storeWorkspace), owes: [], settles: [] }];
    house.append({ stream: 'workspace/home', workspace_id: 'home', n: written + 1, items });
    written += records.length;
  };
  const kept = (): readonly string[] => {
    const body = { workspace_id: 'home', from: 0, to: Number.MAX_SAFE_INTEGER, page: { limit: 200 } };
    return house.read('memory.messages', body).items.map(({ id }) => id);
  };
  it('are told of when a session has a good deal too many, once, and again when it has grown on', () => {
    open(20);
    const [one, two] = [new SessionLog('s1', 'home'), new SessionLog('s2', 'home')];
    house.append(one.create(), two.create());
    say(one, 21);
    say(two, 10);
    expect(grown).toEqual([]);
    say(one, 1);
    expect(grown).toEqual(['home/s1']);
    say(one, 1);
    expect(grown).toEqual(['home/s1']);
    say(one, 1);
    expect(grown).toEqual(['home/s1', 'home/s1']);
    write({ type: 'messages_trimmed', keep_last: 20, session_id: 's1' });
    expect(kept()).toHaveLength(30);
    say(one, 2);
    expect(grown).toHaveLength(3);
  });

  it('leave by session, the oldest first, and are found no more', () => {
    open(20);
    const [one, two] = [new SessionLog('s1', 'home'), new SessionLog('s2', 'home')];
    house.append(one.create(), two.create());
    const first = say(one, 5);
    const others = say(two, 5);
    write({ type: 'messages_trimmed', keep_last: 2, session_id: 's1' });
    expect(kept().toSorted()).toEqual([...first.slice(3), ...others].toSorted());
    const search = { workspace_id: 'home', text: 'said', match: 'all', page: { limit: 50 } } as const;
    expect(house.read('memory.search', search).items).toHaveLength(7);
    house.close();
    expect(dumpRebuilt(house.dir)).toEqual(dumpViews(house.dir));
  });

  it('stay until a summary of them is confirmed, when they are to be summed up', () => {
    open(2, { window: 1, batch: 4 });
    const log = new SessionLog('s1', 'home');
    house.append(log.create());
    const ids = say(log, 4);
    // One of them is in the window.
    expect(grown).toEqual([]);
    ids.push(...say(log, 2));
    expect(grown).toEqual(['home/s1']);
    const batch = { workspace_id: 'home', session_id: 's1', window: 1, limit: 3 };
    const first = house.read('memory.batch', batch);
    expect([first.messages.map(({ id }) => id), first.left, first.before]).toEqual([ids.slice(0, 3), 5, null]);
    const trim = { type: 'messages_trimmed', keep_last: 2, session_id: 's1', summarized: true } as const;
    write(trim);
    expect(kept()).toEqual(ids);
    const summary = { id: 'u1', session_id: 's1', from: 0, to: 9, content: 'a lot', message_ids: ids.slice(0, 3) };
    write({ type: 'summary_stored', summary });
    write(trim);
    expect(kept()).toEqual(ids);
    write({ type: 'summary_confirmed', id: 'u1' });
    write(trim);
    expect(kept()).toEqual(ids.slice(3));
    const second = house.read('memory.batch', batch);
    expect([second.messages.map(({ id }) => id), second.left, second.before]).toEqual([
      ids.slice(3, 5),
      2,
      { content: 'a lot', user_ids: ['ada'] },
    ]);
    // What is summed up is counted from there.
    say(log, 2);
    expect(grown).toEqual(['home/s1', 'home/s1']);
    const due = { workspace_id: 'home', window: 1, limit: 10 };
    expect(house.read('memory.due', { ...due, least: 4 }).sessions).toEqual(['s1']);
    expect(house.read('memory.due', { ...due, least: 5 }).sessions).toEqual([]);
    house.close();
    expect(dumpRebuilt(house.dir)).toEqual(dumpViews(house.dir));
  });
});
