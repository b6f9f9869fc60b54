// SPDX-License-Identifier: Apache-2.0
// The writer of sessions over the bus: asks each session's lane, which alone writes its stream.

import { type Address, address } from '../../bus/address.ts';
import type { Answer, AskOptions } from '../../bus/envelope.ts';
import { SigilError } from '../../errors.ts';
import type { SessionWrite, SessionWriter } from '../session-write.ts';
import type { SeqTracker } from './read-store.ts';

/** What is asked of a lane here. */
interface SessionAsks {
  readonly 'session.write': Omit<SessionWrite, 'session_id'>;
  readonly 'session.delete': { readonly by: string };
}

/** The one thing needed of the bus. */
export interface SessionAsk {
  ask<T extends keyof SessionAsks>(
    to: Address<'session'>,
    type: T,
    body: SessionAsks[T],
    options: AskOptions,
    answered: (answer: Answer<{ readonly seq: number }>) => void,
  ): void;
}

export interface RemoteSessionsOptions {
  readonly bus: SessionAsk;
  readonly from: Address;
  /** What is read after a write must have seen it. */
  readonly seen: SeqTracker;
  /** Who is said to delete sessions. */
  readonly by?: string;
  /** How long a write may take, in milliseconds. */
  readonly within?: number;
}

export function createSessionWriter(options: RemoteSessionsOptions): SessionWriter {
  const { bus, from, seen, by = 'system', within = 60_000 } = options;
  const ask = <T extends keyof SessionAsks>(session_id: string, type: T, body: SessionAsks[T]): Promise<number> =>
    new Promise((resolve, reject) => {
      bus.ask(address('session', session_id), type, body, { from, within }, (answer) => {
        if (!answer.ok) return reject(new SigilError(answer.error));
        seen.note(answer.body.seq);
        resolve(answer.body.seq);
      });
    });
  return {
    write: ({ session_id, ...write }) => {
      const deletes = write.records.some(({ type }) => type === 'session_deleted');
      // A lane ends what runs in it first.
      return deletes ? ask(session_id, 'session.delete', { by }) : ask(session_id, 'session.write', write);
    },
    close: () => undefined,
  };
}
