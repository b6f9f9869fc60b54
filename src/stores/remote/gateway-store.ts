// SPDX-License-Identifier: Apache-2.0
// The gateway's store over the bus: changes are asked of the root, questions of the read thread.

import { type Address, address } from '../../bus/address.ts';
import type { Answer, AskOptions } from '../../bus/envelope.ts';
import { SigilError } from '../../errors.ts';
import type { DirectoryChange, DirectoryProtocol } from '../directory-commands.ts';
import type { GatewayStore } from '../gateway-store.ts';
import { createGatewayStore, type GatewayStoreDoors } from '../gateway-store-doors.ts';

/** The one thing needed of the bus. */
export interface ChangeAsk {
  ask<T extends DirectoryChange>(
    to: Address<'gateway'>,
    type: T,
    body: DirectoryProtocol[T]['body'],
    options: AskOptions,
    answered: (answer: Answer<DirectoryProtocol[T]['reply']>) => void,
  ): void;
}

export interface RemoteGatewayStoreOptions
  extends Pick<GatewayStoreDoors, 'store' | 'date' | 'mint' | 'mintCode' | 'users' | 'tokens'> {
  readonly bus: ChangeAsk;
  readonly from: Address;
  /** Told the row of each change: what this process reads from now on must have seen it. */
  readonly acknowledged: (seq: number) => void;
  /** How long a change may take, in milliseconds. */
  readonly within?: number;
}

export function createRemoteGatewayStore(options: RemoteGatewayStoreOptions): GatewayStore {
  const { bus, from, acknowledged, within = 30_000, ...doors } = options;
  const root = address('gateway', 'root');
  return createGatewayStore({
    ...doors,
    change: (type, body, by) =>
      new Promise((resolve, reject) => {
        bus.ask(root, type, { ...body, by }, { from, within }, (answer) => {
          if (!answer.ok) return reject(new SigilError(answer.error));
          acknowledged(answer.body.seq);
          resolve(answer.body.body);
        });
      }),
    close: () => Promise.resolve(),
  });
}
