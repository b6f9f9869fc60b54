// SPDX-License-Identifier: Apache-2.0
// The key–value store over the bus: changes are asked of the views' thread, reads of the read thread.

import { type Address, address } from '../../bus/address.ts';
import type { Answer, AskOptions } from '../../bus/envelope.ts';
import { failure, SigilError } from '../../errors.ts';
import { dateTime } from '../date-time.ts';
import type { KeyValueStore, ValueChanges, ValueScope } from '../key-value-store.ts';
import { STORE_IDS } from '../protocol.ts';
import type { ReadStore } from '../session-store.ts';

/** The one thing needed of the bus. */
export interface ValueAsk {
  ask<T extends keyof ValueChanges & string>(
    to: Address<'store'>,
    type: T,
    body: ValueChanges[T]['body'],
    options: AskOptions,
    answered: (answer: Answer<ValueChanges[T]['reply']>) => void,
  ): void;
}

export interface RemoteValuesOptions {
  readonly bus: ValueAsk;
  readonly from: Address;
  readonly read: ReadStore;
  /** How long a change may take, in milliseconds: a slow disk is waited for. */
  readonly within?: number;
}

/** Values are no view: a read needs to wait for nothing. */
const NOW = { after: 0 } as const;
const USUAL = 50;

export function createKeyValueStore({ bus, from, read, within = 60_000 }: RemoteValuesOptions): KeyValueStore {
  const to = address('store', STORE_IDS.views);
  let closed = false;
  const open = (): void => {
    if (closed) throw new SigilError(failure('draining', 'the store is closed'));
  };
  const change = <T extends keyof ValueChanges & string>(type: T, body: ValueChanges[T]['body']): Promise<void> =>
    new Promise((resolve, reject) => {
      open();
      bus.ask(to, type, body, { from, within }, (answer) => {
        if (answer.ok) resolve();
        else reject(new SigilError(answer.error));
      });
    });
  const place = ({ workspaceId, plugin }: ValueScope) => ({ workspace_id: workspaceId, plugin });
  return {
    get: async (scope, key) => {
      open();
      return (await read.read('values.get', { ...place(scope), key }, NOW)).value;
    },
    set: (scope, key, value) => change('values.set', { ...place(scope), key, value }),
    delete: (scope, key) => change('values.delete', { ...place(scope), key }),
    list: async (scope, prefix = '', page = {}) => {
      open();
      const body = { ...place(scope), prefix, page: { limit: USUAL, ...page } };
      const { items, next_cursor } = await read.read('values.list', body, NOW);
      return {
        items: items.map(({ key, bytes, updated_at }) => ({ key, bytes, updatedAt: dateTime(updated_at) })),
        nextCursor: next_cursor,
      };
    },
    close: async () => {
      closed = true;
    },
  };
}
