// SPDX-License-Identifier: Apache-2.0
// The read store over the bus: a promise for each query, seeing by default everything acknowledged to this process before.

import { type Address, address } from '../../bus/address.ts';
import type { Answer, AskOptions } from '../../bus/envelope.ts';
import { SigilError } from '../../errors.ts';
import { STORE_IDS } from '../protocol.ts';
import type { ReadBarrier, ReadProtocol, ReadQueries, ReadQuery, ReadStore } from '../session-store.ts';

/** The one thing needed of the bus. */
export interface ReadAsk {
  ask<Q extends ReadQuery>(
    to: Address<'store'>,
    type: Q,
    body: ReadProtocol[Q]['body'],
    options: AskOptions,
    answered: (answer: Answer<ReadProtocol[Q]['reply']>) => void,
  ): void;
}

/** The highest seq this process has seen acknowledged: what its own reads must see. */
export interface SeqTracker {
  /** An acknowledgement carried this seq. */
  note(seq: number): void;
  /** What was durable when this process began; before it is known, reads ask for the latest. */
  began(seq: number): void;
  barrier(): ReadBarrier['after'];
}

export function createSeqTracker(): SeqTracker {
  let highest = 0;
  let known = false;
  return {
    note(seq) {
      highest = Math.max(highest, seq);
    },
    began(seq) {
      highest = Math.max(highest, seq);
      known = true;
    },
    barrier: () => (known ? highest : 'latest'),
  };
}

export interface ReadStoreOptions {
  readonly bus: ReadAsk;
  readonly from: Address;
  readonly seen: SeqTracker;
  /** How long an answer may take, in milliseconds: longer than the read thread itself waits for the views. */
  readonly within?: number;
}

/** Reads over the bus. An error comes out as a SigilError, `view_behind` too: whoever asked knows whether to try again. */
export function createReadStore({ bus, from, seen, within = 10_000 }: ReadStoreOptions): ReadStore {
  const to = address('store', STORE_IDS.read);
  return {
    read<Q extends ReadQuery>(
      query: Q,
      body: ReadQueries[Q]['body'],
      barrier?: ReadBarrier,
    ): Promise<ReadQueries[Q]['reply']> {
      return new Promise((resolve, reject) => {
        const after = barrier?.after ?? seen.barrier();
        if (typeof after === 'number') seen.note(after);
        bus.ask(to, query, { ...body, after }, { from, within }, (answer) => {
          if (answer.ok) resolve(answer.body);
          else reject(new SigilError(answer.error));
        });
      });
    },
  };
}
