// SPDX-License-Identifier: Apache-2.0
// A change of a session as its callers ask for it: plain data, so that it can be asked of whoever writes the session's stream.

import { type Failure, failure } from '../errors.ts';
import type { SessionRecord } from './records.ts';
import type { SessionState } from './session-state.ts';

export interface SessionWrite {
  readonly session_id: string;
  /** Where it is, or is to be. */
  readonly workspace_id: string;
  /** What must be so: a new session is `conflict` when it is there, any other is `not_found` when it is not. */
  readonly session: 'new' | 'there';
  readonly records: readonly SessionRecord[];
}

/** Whoever writes sessions. Resolves with the seq a later read must have seen. */
export interface SessionWriter {
  /** @throws SigilError `conflict` while a turn of it is open or when it is there already, `not_found`, `storage_failed` */
  write(write: SessionWrite): Promise<number>;
  close(): void;
}

/** Why a change cannot be made on a session as it is; null when it can. */
export function refusedWrite(
  state: SessionState,
  { session_id, session }: Omit<SessionWrite, 'records'>,
): Failure | null {
  // Whoever runs a turn has more in memory than the log tells (which rows are owed): what is open is its own to end.
  if (state.turn !== null || state.waiting.length > 0) return failure('conflict', 'a turn of this session is open');
  if (session === 'new')
    return state.facts === null ? null : failure('conflict', `session ${session_id} exists already`);
  return state.facts === null ? failure('not_found', `session ${session_id} does not exist`) : null;
}
