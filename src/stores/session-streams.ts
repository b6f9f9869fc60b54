// SPDX-License-Identifier: Apache-2.0
// The writer of sessions' streams where no lane runs: tools, tests and commands that work without a gateway.

import { failure, SigilError } from '../errors.ts';
import { emptySession, evolve, type PackedSession, packSession, type SessionState, unpackSession } from './fold.ts';
import { restore, type SessionRecord, store } from './records.ts';
import { type Decision, StreamOwner, type StreamOwnerOptions } from './stream-owner.ts';

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
export class SessionStreams {
  readonly #options: SessionStreamsOptions;
  readonly #owners = new Map<string, Held>();

  constructor(options: SessionStreamsOptions) {
    this.#options = options;
  }

  /** Writes what is decided on the session as it is. Resolves with the seq a later read must have seen. */
  write(
    session_id: string,
    workspace_id: string,
    decide: (state: SessionState) => Decision<SessionRecord, undefined>,
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      const owner = this.#owner(session_id, workspace_id);
      owner.submit(
        (state) =>
          isBusy(state) ? { ok: false, error: failure('conflict', 'a turn of this session is open') } : decide(state),
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

/** A lane has more in memory than the log tells (which rows are owed), so what it has open is its own to end. */
function isBusy(state: SessionState): boolean {
  return state.turn !== null || state.waiting.length > 0;
}
