// SPDX-License-Identifier: Apache-2.0
// The read thread: queries over read-only connections, so that no search delays a write or a wake-up.

import { address } from '../bus/address.ts';
import type { ProjectionName } from '../stores/protocol.ts';
import { openReader } from '../stores/sqlite/open.ts';
import { Actors } from './actors.ts';
import { bindHandlers } from './bind.ts';
import type { StartRole } from './role.ts';
import { hostVectorIndexes } from './vector-index.ts';

/** The role over this reader. */
export const readRole =
  (open: typeof openReader): StartRole =>
  async (context) => {
    const { bus, house, world } = context;
    const self = address('store', 'read');
    const views = address('store', 'views');
    const hurry = (upto: number, projection: ProjectionName): void =>
      void bus.send(views, 'views.hurry', { upto, projection }, { from: self });
    const reader = open({ dataDir: house.data_dir, clock: world, hurry });
    bus.host('store', bindHandlers(context, self, reader.handlers));
    const actors = new Actors(context);
    const indexes = hostVectorIndexes(context, actors);
    const close = (): void => {
      actors.stop();
      indexes.close();
      reader.close();
    };
    return { drain: (done) => done(), close };
  };

export const startRead = readRole(openReader);
