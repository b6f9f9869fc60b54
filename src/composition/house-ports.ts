// SPDX-License-Identifier: Apache-2.0
// Whom a chat channel's house asks, over the bus: the gateway's root, sessions, the read thread, other channels.

import type { HousePorts } from '../actors/channel/chat-house.ts';
import { type Address, address } from '../bus/address.ts';
import type { ThreadContext } from './context.ts';

/** How long each may take, in milliseconds. */
const WITHIN = { directory: 30_000, session: 30_000, read: 10_000 } as const;
/** Requests for approval that are looked through. */
const APPROVALS_MOST = 200;

/**
 * @param from the channel's address
 * @param notify says something on a channel; nobody waits for it
 * @param unheard is told why a stranger was not taken on
 */
export function housePorts(
  { bus, world, directory }: Pick<ThreadContext, 'bus' | 'world' | 'directory'>,
  from: Address<'channel'>,
  notify: HousePorts['notify'],
  unheard: HousePorts['unheard'],
): HousePorts {
  const root = address('gateway', 'root');
  return {
    now: () => world.now(),
    directory: (type, body, by, answered) => {
      bus.ask(root, type, { ...body, by } as never, { from, within: WITHIN.directory }, (answer) => {
        if (!answer.ok) return answered(answer);
        const { body: reply, table = 0 } = answer.body as unknown as { body: never; table?: number };
        answered({ ok: true, body: { body: reply, table } });
      });
    },
    // Where too many wait it is looked at with what is known: at worst once more.
    known: (table, run) => directory.at(table, run, run),
    session: (session_id, command, answered) => {
      bus.ask(address('session', session_id), 'session.command', command, { from, within: WITHIN.session }, answered);
    },
    approvals: (user_id, answered) => {
      const body = { user_id, page: { limit: APPROVALS_MOST }, after: 'latest' as const };
      bus.ask(address('store', 'read'), 'approval.list', body, { from, within: WITHIN.read }, (answer) =>
        answered(answer.ok ? { ok: true, body: answer.body.items } : answer),
      );
    },
    approve: (session_id, answer, answered) => {
      bus.ask(address('session', session_id), 'session.approval', answer, { from, within: WITHIN.session }, answered);
    },
    notify,
    unheard,
  };
}
