// SPDX-License-Identifier: Apache-2.0
// What of a session's records is noted in the audit: somebody else stopped its turn, it was put away or deleted, a turn was given up.

import { type AuditNote, auditNote } from '../../stores/audit.ts';
import type { SessionState } from '../../stores/fold.ts';
import type { SessionRecord } from '../../stores/records.ts';

/** The notes of records that are decided on `before`; undefined for nearly all. `by`: whoever asked for a change. */
export function auditOf(
  before: SessionState,
  after: SessionState,
  session_id: string,
  records: readonly SessionRecord[],
  by: string,
): readonly AuditNote[] | undefined {
  let notes: AuditNote[] | undefined;
  const note = (action: string, actor: string, details: Readonly<Record<string, unknown>>, failed = false): void => {
    const workspace_id = (after.facts ?? before.facts)?.workspace_id ?? '';
    notes ??= [];
    notes.push(auditNote(action, actor, details, { workspace_id, session_id, result: failed ? 'failed' : 'ok' }));
  };
  for (const record of records) {
    if (record.type === 'cancel_requested') {
      const owner = askerOf(before, record.turn_id);
      if (owner !== undefined && owner !== record.by)
        note('turn.cancelled', record.by, { turn_id: record.turn_id, user_id: owner });
    } else if (record.type === 'session_changed') {
      if (record.status !== undefined) note(`session.${record.status}`, by, { user_id: before.facts?.user_id ?? '' });
    } else if (record.type === 'session_deleted') {
      note('session.deleted', by, { user_id: before.facts?.user_id ?? '' });
    } else if (record.type === 'turn_failed' && record.code === 'poisoned') {
      note(
        'turn.poisoned',
        'system',
        { turn_id: record.turn_id, user_id: askerOf(before, record.turn_id) ?? '' },
        true,
      );
    }
  }
  return notes;
}

/** Whose message a turn answers. */
function askerOf({ turn, waiting }: SessionState, turn_id: string): string | undefined {
  if (turn?.turn_id === turn_id) return turn.message.user_id;
  return waiting.find((message) => message.turn_id === turn_id)?.user_id;
}
