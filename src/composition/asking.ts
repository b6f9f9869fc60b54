// SPDX-License-Identifier: Apache-2.0
// The bus as promises, for adapters that have promises anyway.

import type { Address, Kind } from '../bus/address.ts';
import type { AskOptions, Bus, Protocols } from '../bus/envelope.ts';
import { SigilError } from '../errors.ts';

/** Asks and waits. @throws SigilError (the promise's) with the failure when the answer is one */
export function asking<P extends Protocols, K extends Kind & keyof P, T extends keyof P[K] & string>(
  bus: Pick<Bus<P>, 'ask'>,
  to: Address<K>,
  type: T,
  body: P[K][T]['body'],
  options: AskOptions,
): Promise<P[K][T]['reply']> {
  return new Promise((resolve, reject) => {
    bus.ask(to, type, body, options, (answer) => {
      if (answer.ok) resolve(answer.body);
      else reject(new SigilError(answer.error));
    });
  });
}
