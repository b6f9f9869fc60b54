// SPDX-License-Identifier: Apache-2.0
// The views' thread: the only writer of gateway and workspace databases, following the journal's file.

import { address } from '../bus/address.ts';
import { READ } from '../bus/layout.ts';
import { openViews } from '../stores/sqlite/open.ts';
import { bindHandlers } from './bind.ts';
import type { StartRole } from './role.ts';

/** The role over these views. */
export const viewsRole =
  (open: typeof openViews): StartRole =>
  async (context) => {
    const { bus, house, world } = context;
    const self = address('store', 'views');
    const read = address('store', 'read');
    const tell = (upto: number): void => void bus.send(read, 'read.advanced', { upto }, { from: self });
    const views = open({
      dataDir: house.data_dir,
      clock: world,
      advanced: tell,
      point: context.point,
      failed: (error) => context.fault(self, error),
    });
    bus.host('store', bindHandlers(context, self, views.handlers));
    return {
      drain: (done) => done(),
      up: (thread) => {
        if (thread === READ) tell(views.upto());
      },
      close: () => views.close(),
    };
  };

export const startViews = viewsRole(openViews);
