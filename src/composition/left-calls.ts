// SPDX-License-Identifier: Apache-2.0
// Calls of no session that a lost life of a thread has left open: closed at what was reserved for them, for their vendors bill them.

import { reservationOf } from '../actors/budget/protocol.ts';
import { address } from '../bus/address.ts';
import { threadNames } from '../bus/layout.ts';
import type { HeldCall } from '../stores/session-store.ts';
import type { WorkspaceRecord } from '../stores/workspace-records.ts';
import type { ThreadContext } from './context.ts';

/** How long the read thread and a workspace may take, in milliseconds. */
const WITHIN = { read: 10_000, write: 60_000 } as const;
/** The pause before it is asked what was left, a start having more urgent things to do, and before it is asked again. */
const PAUSE = 500;
/** Calls told at once; a process has no more of them open. */
const TOLD_MOST = 10_000;
/** It is looked once more after this time: what the lost life had sent may have been written since. */
const LATER = 60_000;

const UNKNOWN = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  cost_usd: 0,
};

/**
 * Closes what earlier lives of this thread have left open, and on the first lane what threads have left that are not there
 * any more; answers how to stop looking.
 *
 * @param holder this life, see `CallOpened`
 * @param scopes the budgets a call could have reached
 */
export function closeLeftCalls(
  { bus, world, house, name }: ThreadContext,
  holder: string,
  scopes: (model: string, workspace_id: string) => readonly string[],
): () => void {
  const from = address('thread', name);
  const names = new Set(threadNames(house.layout));
  let stopped = false;
  let looks = 0;
  let cancel = (): void => undefined;

  const mine = (call: HeldCall): boolean => {
    const thread = call.holder.slice(0, call.holder.indexOf('@'));
    return call.holder !== holder && (thread === name || (name === 'lane-1' && !names.has(thread)));
  };

  const close = ({ turn_id: id, call, user_id, workspace_id, model, tokens, cost_usd }: HeldCall): void => {
    const record: WorkspaceRecord = {
      ...({ type: 'call_closed', id, call, user_id, model, usage: UNKNOWN } as const),
      ...{ settled_tokens: tokens, settled_usd: cost_usd },
    };
    const options = { from, within: WITHIN.write };
    bus.ask(address('workspace', workspace_id), 'workspace.write', { records: [record] }, options, (answer) => {
      if (stopped || !answer.ok) return;
      const settled = { reservation: reservationOf(id, call), tokens, cost_usd, seq: answer.body.seq };
      for (const scope of scopes(model, workspace_id))
        bus.send(address('budget', scope), 'budget.settle', settled, { from });
    });
  };

  const look = (): void => {
    bus.ask(
      address('store', 'read'),
      'calls.open',
      { limit: TOLD_MOST, after: 'latest' },
      { from, within: WITHIN.read },
      (answer) => {
        if (stopped) return;
        if (!answer.ok) {
          cancel = world.after(PAUSE, look);
          return;
        }
        for (const call of answer.body.calls) if (mine(call)) close(call);
        looks += 1;
        if (looks < 2) cancel = world.after(LATER, look);
      },
    );
  };
  cancel = world.after(PAUSE, look);
  return () => {
    stopped = true;
    cancel();
  };
}
