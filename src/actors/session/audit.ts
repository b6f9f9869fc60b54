// SPDX-License-Identifier: Apache-2.0
// What of a session's records is noted in the audit: a tool denied, the end of a turn that used some, a turn stopped by somebody
// else or given up, a session put away or deleted.

import { type AuditNote, auditNote } from '../../stores/audit.ts';
import type { SessionRecord, ToolReturned, TurnFailed, TurnFinished } from '../../stores/records.ts';
import { type SessionState, type TurnState, tokensOf } from '../../stores/session-state.ts';
import { type ToolUse, withUse } from '../../stores/tool-use.ts';
import { sendersOf } from './senders.ts';

/** Who asked for the change (empty for nobody in particular), and when it is, epoch milliseconds. */
export interface Noted {
  readonly by: string;
  readonly now: number;
}

type Details = Readonly<Record<string, unknown>>;

/** The notes of records that are decided on `before`; undefined for nearly all. */
export function auditOf(
  before: SessionState,
  after: SessionState,
  session_id: string,
  records: readonly SessionRecord[],
  { by, now }: Noted,
): readonly AuditNote[] | undefined {
  let notes: AuditNote[] | undefined;
  const note = (action: string, actor: string, details: Details, result: AuditNote['result'] = 'ok'): void => {
    const workspace_id = (after.facts ?? before.facts)?.workspace_id ?? '';
    notes ??= [];
    notes.push(auditNote(action, actor, details, { workspace_id, session_id, result }));
  };
  for (const record of records) {
    if (record.type === 'tool_returned') {
      if (record.permission?.allowed === false)
        note('tool.denied', firstSender(before.turn), denied(before.turn, record), 'refused');
    } else if (record.type === 'message_blocked') {
      const { message_id, channel, rules } = record;
      note('message.blocked', record.user_id, { message_id, channel, rules }, 'refused');
    } else if (record.type === 'cancel_requested') {
      const owner = askerOf(before, record.turn_id);
      if (owner !== undefined && owner !== record.by)
        note('turn.cancelled', record.by, { turn_id: record.turn_id, user_id: owner });
    } else if (record.type === 'approval_decided') {
      const { id: approval_id, turn_id, decision, by: decider } = record;
      const call = before.turn?.tools.find(({ approval }) => approval?.id === approval_id)?.call;
      const about = { approval_id, turn_id, tool: call?.name ?? '', call_id: call?.id ?? '' };
      note(`approval.${NOTED[decision]}`, decider, { ...about, user_id: askerOf(before, turn_id) ?? '' });
    } else if (record.type === 'session_changed') {
      if (record.status !== undefined) note(`session.${record.status}`, by, { user_id: before.facts?.user_id ?? '' });
    } else if (record.type === 'session_deleted') {
      note('session.deleted', by, { user_id: before.facts?.user_id ?? '' });
    } else if (record.type === 'turn_failed' || record.type === 'turn_finished') {
      const failed = record.type === 'turn_failed';
      const { turn_id } = record;
      if (failed && record.code === 'poisoned')
        note('turn.poisoned', 'system', { turn_id, user_id: askerOf(before, turn_id) ?? '' }, 'failed');
      const { turn } = before;
      if (turn === null || turn.turn_id !== turn_id) continue;
      const used = usedIn(turn, records);
      if (used.length === 0) continue;
      const outcome = failed ? 'failed' : 'ok';
      note(failed ? 'turn.failed' : 'turn.finished', firstSender(turn), ended(turn, used, record, now), outcome);
    }
  }
  return notes;
}

/** Everybody where several were answered. */
function others(turn: TurnState | null): Details {
  const user_ids = sendersOf(turn);
  return user_ids.length > 1 ? { user_ids } : {};
}

function firstSender(turn: TurnState | null): string {
  return sendersOf(turn)[0] ?? 'system';
}

function denied(turn: TurnState | null, { turn_id, call_id, name, permission }: ToolReturned): Details {
  const { rule, reason } = permission ?? {};
  return { turn_id, call_id: call_id.slice(0, CALL_ID), tool: nameOf(name), rule, reason, ...others(turn) };
}

/** One entry for a turn: with what, for how much, how long, how it ended, and by which rule each of its tools was let. */
function ended(turn: TurnState, used: readonly ToolUse[], record: TurnFinished | TurnFailed, now: number): Details {
  const { usage } = record;
  return {
    turn_id: turn.turn_id,
    model: turn.model,
    tools: used.map((use) => ({ ...use, tool: nameOf(use.tool) })),
    tokens: tokensOf(usage),
    cost_usd: usage.cost_usd,
    duration_ms: Math.max(0, now - turn.started_at),
    outcome: record.type === 'turn_failed' ? record.code : record.finish_reason,
    ...others(turn),
  };
}

/** What it used, as of the records that end it. */
function usedIn(turn: TurnState, records: readonly SessionRecord[]): readonly ToolUse[] {
  let used = turn.used ?? [];
  for (const record of records) {
    if (record.type === 'tool_returned' && record.turn_id === turn.turn_id && record.permission !== undefined)
      used = withUse(used, record.name, record.permission);
  }
  return used;
}

/** How much of a call's id is kept: it is a vendor's, of whatever length. */
const CALL_ID = 128;

/** A name that no tool can have is a model's invention, and may repeat what somebody said. */
function nameOf(tool: string): string {
  return /^[\w.-]{1,128}$/.test(tool) ? tool : '?';
}

/** How an answer is called in the audit. */
const NOTED = { approve: 'approved', deny: 'denied', expired: 'expired', cancelled: 'cancelled' } as const;

/** Whose message a turn answers. */
function askerOf({ turn, waiting }: SessionState, turn_id: string): string | undefined {
  if (turn?.turn_id === turn_id) return turn.message.user_id;
  return waiting.find((message) => message.turn_id === turn_id)?.user_id;
}
