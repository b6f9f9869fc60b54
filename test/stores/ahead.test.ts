// SPDX-License-Identifier: Apache-2.0
// Views ahead of their journal, as a power cut with `normal` leaves them: what the journal has lost is never read again.

import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { codeOf } from './manual-clock.ts';
import { SessionLog } from './session-log.ts';
import { StoreHouse } from './store-house.ts';

const houses: StoreHouse[] = [];
afterEach(() => {
  for (const house of houses.splice(0)) house.remove();
});

/** A house whose journal is put back to its first message, and some of its views are not. */
function cutBack(kept: readonly string[]): { readonly house: StoreHouse; readonly log: SessionLog } {
  const before = new StoreHouse().open();
  const house = new StoreHouse();
  houses.push(before, house);
  const log = new SessionLog('s1', 'home');
  before.append(log.create(), log.next(log.receive('what was synced')));
  before.close();
  cpSync(before.dir, house.dir, { recursive: true });
  before.open();
  before.append(log.next(log.receive('what was lost')));
  before.close();
  for (const file of kept) cpSync(join(before.dir, file), join(house.dir, file));
  return { house, log };
}

const page = { limit: 50 };
const contents = (house: StoreHouse): readonly string[] =>
  house.read('session.messages', { session_id: 's1', page }).items.map(({ content }) => content);

describe('a view that is ahead of its journal', () => {
  it.each([
    ['of a workspace', ['workspaces/home/sessions.db']],
    ['of the gateway', ['gateway.db']],
    ['of both', ['gateway.db', 'workspaces/home/sessions.db']],
  ])('%s says nothing of what is lost, though nobody has looked after it yet', (_, kept) => {
    const { house } = cutBack(kept);
    house.openJournal().openReader();
    // Without views nobody mends it, so it can only be refused.
    const first = house.asks('session.messages', { session_id: 's1', page });
    house.clock.settle();
    expect(codeOf(first)).not.toBe('ok');
    house.openViews();
    house.clock.advance(5_000);
    expect(contents(house)).toEqual(['what was synced']);
  });

  it('is still refused when the journal has gone on past it', () => {
    const { house } = cutBack(['workspaces/home/sessions.db']);
    house.openJournal().openReader();
    const other = new SessionLog('s2', 'away');
    house.append(other.create(), other.next(other.receive('one')), other.next(other.receive('two')));
    house.openViews();
    // The views follow; their look at files that nobody writes to comes later.
    const asked = house.asks('session.messages', { session_id: 's1', page });
    house.clock.settle();
    expect(codeOf(asked)).toBe('view_behind');
    house.clock.advance(5_000);
    expect(contents(house)).toEqual(['what was synced']);
  });

  it('is made anew with its next row when its workspace is lost as a whole', () => {
    const before = new StoreHouse().open();
    const house = new StoreHouse();
    houses.push(before, house);
    const kept = new SessionLog('s1', 'home');
    before.append(kept.create(), kept.next(kept.receive('what was synced')));
    before.close();
    cpSync(before.dir, house.dir, { recursive: true });
    before.open();
    const lost = new SessionLog('s2', 'away');
    before.append(lost.create(), lost.next(lost.receive('what was lost')));
    before.close();
    cpSync(join(before.dir, 'workspaces', 'away'), join(house.dir, 'workspaces', 'away'), { recursive: true });
    house.open();
    house.clock.advance(5_000);
    expect(codeOf(house.asks('session.get', { session_id: 's2' }))).not.toBe('ok');
    const again = new SessionLog('s3', 'away');
    house.append(again.create(), again.next(again.receive('what came then')));
    const read = (session_id: string) => house.asks('session.messages', { session_id, page });
    const [old, now] = [read('s2'), read('s3')];
    house.clock.settle();
    expect(codeOf(old)).toBe('not_found');
    expect(now.outcome).toMatchObject({ body: { items: [{ content: 'what came then' }] } });
    expect(house.read('memory.search', { workspace_id: 'away', text: 'lost', match: 'all', page }).items).toEqual([]);
  });

  it('is read as before when it belongs to its journal', () => {
    const { house } = cutBack([]);
    house.openJournal().openReader();
    expect(contents(house)).toEqual(['what was synced']);
  });
});
