// SPDX-License-Identifier: Apache-2.0
// The gateway's store in one process and one thread: the same owner, journal and views, called instead of asked over the bus.

import type { Config } from '../../config/schema.ts';
import { failure, SigilError } from '../../errors.ts';
import { configuredDirectory } from '../configured-directory.ts';
import { DirectoryOwner } from '../directory-owner.ts';
import type { GatewayStore } from '../gateway-store.ts';
import { createGatewayStore, type GatewayStoreDoors } from '../gateway-store-doors.ts';
import type { ReadProtocol, ReadQueries, ReadQuery, ReadStore } from '../session-store.ts';
import type { Outcome } from '../stream-owner.ts';
import { createUsageStore, type UsageStore } from '../usage-store.ts';
import { openJournal, openReader, openViews, type StoreClock } from './open.ts';

export interface LocalGatewayOptions extends Pick<GatewayStoreDoors, 'mint' | 'mintCode'> {
  readonly config: Pick<Config, 'users' | 'auth' | 'storage' | 'workspaces'>;
  readonly clock: StoreClock;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly uuid: () => string;
}

/** Backends there are. */
const BACKENDS = ['sqlite'] as const;

export interface LocalGateway extends GatewayStore {
  readonly usage: UsageStore;
}

/**
 * Opens the store of a data directory, which nobody else may have open.
 *
 * @throws SigilError `validation_failed` for a backend there is none of, `storage_failed`
 */
export function openGatewayStore(options: LocalGatewayOptions, path: string): LocalGateway {
  const { config, clock, now, uuid, mint, mintCode } = options;
  const backend = config.storage.gateway.backend ?? config.storage.backend;
  if (!(BACKENDS as readonly string[]).includes(backend)) {
    const says = `storage.gateway: there is no backend ${backend}; there is ${BACKENDS.join(', ')}`;
    throw new SigilError(failure('validation_failed', says));
  }
  const { durability } = config.storage;
  const journal = openJournal({ dataDir: path, durability, clock, notify: (upto) => wake(upto) });
  const views = openViews({
    dataDir: path,
    clock,
    advanced: (upto, projection) => reader.handlers['read.advanced']({ body: { upto, projection } }),
  });
  const reader = openReader({
    dataDir: path,
    clock,
    hurry: (upto, projection) => views.handlers['views.hurry'](quiet({ upto, projection })),
  });
  const wake = (upto: number): void => views.handlers['views.wake'](quiet({ upto }));
  const { fixed, users, tokens } = configuredDirectory(config);
  const owner = new DirectoryOwner({
    append: (body, answered) => journal.handlers['journal.append']({ body, ...answers(answered) }),
    tail: (stream, answered) => journal.handlers['journal.tail']({ body: { stream }, ...answers(answered) }),
    after: (ms, run) => clock.after(ms, run),
    ...{ now, uuid, fixed: () => fixed },
  });
  const store: ReadStore = {
    read: <Q extends ReadQuery>(query: Q, body: ReadQueries[Q]['body'], { after } = { after: 'latest' as const }) =>
      new Promise<ReadQueries[Q]['reply']>((resolve, reject) => {
        const handler = reader.handlers[query] as (request: {
          readonly body: ReadProtocol[Q]['body'];
          reply(body: ReadQueries[Q]['reply']): void;
          fail(error: ConstructorParameters<typeof SigilError>[0]): void;
        }) => void;
        handler({ body: { ...body, after }, reply: resolve, fail: (error) => reject(new SigilError(error)) });
      }),
  };
  const date = (epoch: number): Date => new Date(epoch);
  const gateway = createGatewayStore({
    change: (type, body, by) =>
      new Promise((resolve, reject) => {
        owner.change(type, body, by, (outcome) => {
          if (outcome.ok) resolve(outcome.body.body);
          else reject(new SigilError(outcome.error));
        });
      }),
    ...{ store, date, mint, mintCode, users: () => users, tokens: () => tokens },
    close: async () => {
      owner.stop();
      reader.close();
      views.close();
      journal.close();
    },
  });
  return { ...gateway, usage: createUsageStore(store, date) };
}

function quiet<B>(body: B): { readonly body: B; reply(): void; fail(): void } {
  return { body, reply: () => undefined, fail: () => undefined };
}

function answers<T>(answered: (outcome: Outcome<T>) => void): {
  reply(body: T): void;
  fail(error: ConstructorParameters<typeof SigilError>[0]): void;
} {
  return { reply: (body) => answered({ ok: true, body }), fail: (error) => answered({ ok: false, error }) };
}
