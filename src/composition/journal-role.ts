// SPDX-License-Identifier: Apache-2.0
// The journal's thread: one writer, one file, nothing else.

import { address } from '../bus/address.ts';
import { VIEWS } from '../bus/layout.ts';
import type { Committed, PackedAppend, PackedTail } from '../stores/journal.ts';
import { unpackAppend } from '../stores/remote/append-wire.ts';
import { packTail } from '../stores/remote/tail-wire.ts';
import type { Request } from '../stores/request.ts';
import { openJournal } from '../stores/sqlite/open.ts';
import { bindHandlers } from './bind.ts';
import type { StartRole } from './role.ts';

/** The role over this journal. */
export const journalRole =
  (open: typeof openJournal): StartRole =>
  async (context) => {
    const { bus, house, world } = context;
    const self = address('store', 'journal');
    const views = address('store', 'views');
    const wake = (upto: number): void => void bus.send(views, 'views.wake', { upto }, { from: self });
    const journal = open({
      dataDir: house.data_dir,
      durability: house.config.storage.durability,
      clock: world,
      retention: { ms: house.config.storage.journal_retention, now: () => world.now() },
      notify: wake,
      point: context.point,
      failed: (error) => context.fault(self, error),
    });
    const { handlers } = journal;
    const append = (request: Request<PackedAppend, Committed>): void =>
      handlers['journal.append']({ ...request, body: unpackAppend(request.body) });
    const tail = (request: Request<{ readonly stream: string }, PackedTail>): void =>
      handlers['journal.tail']({ ...request, reply: (rows) => request.reply(packTail(rows)) });
    bus.host('store', bindHandlers(context, self, { ...handlers, 'journal.append': append, 'journal.tail': tail }));
    return {
      drain: (done) => done(),
      // A new life of the views' thread has heard of nothing yet.
      up: (thread) => {
        if (thread === VIEWS) wake(journal.seq());
      },
      close: () => journal.close(),
    };
  };

export const startJournal = journalRole(openJournal);
