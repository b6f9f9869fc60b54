// SPDX-License-Identifier: Apache-2.0
// The writer of sessions' streams where no lane runs: tools, tests and commands that work without a gateway.

import { SigilError } from '../errors.ts';
import { type AuditNote, auditNote } from './audit.ts';
import { evolve } from './fold.ts';
import { type PackedSession, packSession, unpackSession } from './packed-session.ts';
import { restore, type SessionRecord, store } from './records.ts';
import { emptySession, type SessionState } from './session-state.ts';
import { refusedWrite, type SessionWrite, type SessionWriter } from './session-write.ts';
import { StreamOwner, type StreamOwnerOptions } from './stream-owner.ts';

export type SessionStreamsOptions = Pick<
  StreamOwnerOptions<SessionState, SessionRecord>,
  'append' | 'tail' | 'now' | 'after'
> & {
  /** Messages the folded window keeps, as the configuration says: a lane goes on with it. */
  readonly window: number;
};

/** Sessions whose state is kept in memory. */
const HELD_MOST = 256;

/**
 * One owner for each session that is written. A checkpoint is a lane's own, so a gateway that starts later goes on with the
 * session as if it had written it itself; what it has open it keeps.
 */
export class SessionStreams implements SessionWriter {
  readonly #options: SessionStreamsOptions;
  readonly #owners = new Map<string, Held>();

  constructor(options: SessionStreamsOptions) {
    this.#options = options;
  }

  /** Nobody is signed in where no gateway runs: a deletion is done by the system, and noted as that. */
  write(write: SessionWrite): Promise<number> {
    const { session_id, workspace_id, records } = write;
    return new Promise((resolve, reject) => {
      const owner = this.#owner(session_id, workspace_id);
      owner.submit(
        (state) => {
          const error = refusedWrite(state, write);
          if (error !== null) return { ok: false, error };
          const audit = auditOf(records, session_id, state.facts);
          return { ok: true, records, body: undefined, ...(audit.length === 0 ? {} : { audit }) };
        },
        (outcome) => {
          this.#release();
          if (outcome.ok) resolve(outcome.body.seq);
          else reject(new SigilError(outcome.error));
        },
      );
    });
  }

  close(): void {
    for (const { owner } of this.#owners.values()) owner.stop();
    this.#owners.clear();
  }

  #owner(session_id: string, workspace_id: string): StreamOwner<SessionState, SessionRecord> {
    const held = this.#owners.get(session_id);
    this.#owners.delete(session_id);
    // A session that is gone may be made again in another workspace; its rows must say so.
    if (held !== undefined && held.workspace_id === workspace_id) {
      this.#owners.set(session_id, held);
      return held.owner;
    }
    const { window, ...rest } = this.#options;
    const owner = new StreamOwner<SessionState, SessionRecord>({
      ...rest,
      stream: `session/${session_id}`,
      workspace_id,
      initial: emptySession(),
      evolve: (state, record, at) => {
        if (record.type !== 'checkpoint' || record.state === null) return evolve(state, record, at, window);
        return unpackSession(record.state as PackedSession, 0).state;
      },
      checkpoint: (state) => ({ type: 'checkpoint', state: packSession(state, []) }),
      store,
      restore,
    });
    this.#owners.set(session_id, { workspace_id, owner });
    return owner;
  }

  #release(): void {
    for (const [session_id, { owner }] of this.#owners) {
      if (this.#owners.size <= HELD_MOST) return;
      if (owner.idle) this.#owners.delete(session_id);
    }
  }
}

interface Held {
  readonly workspace_id: string;
  readonly owner: StreamOwner<SessionState, SessionRecord>;
}

function auditOf(
  records: readonly SessionRecord[],
  session_id: string,
  facts: SessionState['facts'],
): readonly AuditNote[] {
  if (facts === null || !records.some(({ type }) => type === 'session_deleted')) return [];
  const { workspace_id, user_id } = facts;
  return [auditNote('session.deleted', 'system', { user_id }, { workspace_id, session_id })];
}
