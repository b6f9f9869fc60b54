// SPDX-License-Identifier: Apache-2.0
// The views' thread: the only writer of gateway and workspace databases, following the journal's file.

import { address } from '../bus/address.ts';
import { READ } from '../bus/layout.ts';
import type { ProjectionName } from '../stores/protocol.ts';
import { openViews } from '../stores/sqlite/open.ts';
import { bindHandlers } from './bind.ts';
import { embedding } from './embedding.ts';
import type { StartRole } from './role.ts';

/** The role over these views. */
export const viewsRole =
  (open: typeof openViews): StartRole =>
  async (context) => {
    const { bus, house, world } = context;
    const self = address('store', 'views');
    const read = address('store', 'read');
    const tell = (upto: number, projection: ProjectionName): void =>
      void bus.send(read, 'read.advanced', { upto, projection }, { from: self });
    const recent = {
      get keep_last() {
        return house.config.sessions.memory.recent_store.max_messages;
      },
      // What is not summed up would be lost to memory: nothing goes before its summary is there.
      get summed() {
        const { summaries, active_window: window, compaction } = house.config.sessions.memory;
        return summaries.enabled ? { window, batch: compaction.batch_size } : undefined;
      },
      grown: (workspace_id: string, session_id: string) =>
        void bus.send(address('workspace', workspace_id), 'workspace.memory_grown', { session_id }, { from: self }),
    };
    const vectors = embedding(context);
    const views = open({
      dataDir: house.data_dir,
      clock: world,
      advanced: tell,
      point: context.point,
      failed: (error) => context.fault(self, error),
      recent,
      ...(vectors === undefined ? {} : { vectors }),
    });
    bus.host('store', bindHandlers(context, self, views.handlers));
    return {
      drain: (done) => done(),
      up: (thread) => {
        if (thread !== READ) return;
        tell(views.upto('sessions'), 'sessions');
        tell(views.upto('memory'), 'memory');
      },
      close: () => views.close(),
    };
  };

export const startViews = viewsRole(openViews);
