// SPDX-License-Identifier: Apache-2.0
// Calls of no session: what is open is held against every budget, and each is counted once, however often its end is told.

import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { storeWorkspace, type WorkspaceRecord } from '../../src/stores/workspace-records.ts';
import { StoreHouse } from './store-house.ts';

const houses: StoreHouse[] = [];
afterEach(() => {
  for (const house of houses.splice(0)) house.remove();
});

const MODEL = 'mock/small';
const used = (input_tokens: number) => ({
  ...{ input_tokens, output_tokens: 0, cache_read_tokens: 0, cache_write_tokens: 0, cost_usd: 0 },
});
const opened = (id: string, call: number, reserved_tokens: number): WorkspaceRecord => ({
  ...({ type: 'call_opened', id, call, user_id: 'ada', model: MODEL, holder: 'lane-1@a' } as const),
  ...{ reserved_tokens, reserved_usd: 0 },
});
const closed = (id: string, call: number, tokens: number, settled_tokens = 0): WorkspaceRecord => ({
  ...({ type: 'call_closed', id, call, user_id: 'ada', model: MODEL } as const),
  ...{ usage: used(tokens), settled_tokens, settled_usd: 0 },
});

/** What becomes of a call: it is open, closed by its maker, cut off and settled, or both, in either order. */
type End = 'open' | 'closed' | 'settled' | 'closed, settled' | 'settled, closed';
const END = fc.constantFrom<End>('open', 'closed', 'settled', 'closed, settled', 'settled, closed');

it('are held while they are open, and counted once when they are not', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(END, fc.integer({ min: 1, max: 500 })), { maxLength: 6 }), (calls) => {
      const house = new StoreHouse().open();
      houses.push(house);
      let n = 1;
      let open = 0;
      let counted = 0;
      for (const [at, [end, tokens]] of calls.entries()) {
        const [id, reserved] = [`c${at}`, tokens + 100];
        const ends = {
          closed: closed(id, 1, tokens),
          settled: closed(id, 1, 0, reserved),
        };
        const records = [
          opened(id, 1, reserved),
          ...(end === 'open' ? [] : end.split(', ').map((one) => ends[one as keyof typeof ends])),
        ];
        if (end === 'open') open += reserved;
        else counted += end.startsWith('closed') ? tokens : reserved;
        const items = [{ at: Date.UTC(2026, 0, 1), records: records.map(storeWorkspace), owes: [], settles: [] }];
        house.append({ stream: 'workspace/home', workspace_id: 'home', n, items });
        n += records.length;
      }
      for (const scope of ['global', 'workspace/home']) {
        const { day, open: held } = house.read('usage.window', { scope, at: Date.UTC(2026, 0, 1, 12) });
        expect(day.tokens).toBe(counted);
        expect(held.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(open);
      }
      const { calls: told } = house.read('calls.open', { limit: 100 });
      expect(told.map(({ tokens }) => tokens).reduce((sum, tokens) => sum + tokens, 0)).toBe(open);
      for (const call of told)
        expect(call).toMatchObject({ workspace_id: 'home', user_id: 'ada', model: MODEL, holder: 'lane-1@a' });
    }),
    { numRuns: 15 },
  );
});
