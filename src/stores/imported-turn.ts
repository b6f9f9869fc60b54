// SPDX-License-Identifier: Apache-2.0
// A turn of an exported session as the records it is kept as: what was said, under its own times, and nothing to be paid again.

import type { ErrorCode } from '../errors.ts';
import type { FinishReason, ModelReplied, SessionRecord, ToolCall, Usage } from './records.ts';
import { NO_USAGE } from './session-state.ts';

/** A message of a turn, as an export has it. Times are epoch milliseconds. */
export interface ExportedMessage {
  readonly id: string;
  readonly role: 'user' | 'assistant' | 'tool';
  readonly content: string;
  readonly tool_calls: readonly ToolCall[];
  readonly tool_call_id: string;
  readonly is_error: boolean;
  readonly truncated: boolean;
  readonly at: number;
}

/** A turn with its messages in their order; the first is its user's. */
export interface ExportedTurn {
  /** The id it has here. */
  readonly id: string;
  readonly user_id: string;
  readonly model: string;
  readonly reply_id: string | null;
  readonly content: string;
  readonly finish_reason: FinishReason | null;
  readonly error: { readonly code: ErrorCode; readonly message: string } | null;
  readonly usage: Usage;
  readonly started_at: number;
  readonly ended_at: number;
  readonly messages: readonly ExportedMessage[];
}

/** Records of one moment. */
export interface DatedRecords {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly records: readonly SessionRecord[];
}

/** An import in a part: turns that are over, each whole. */
export interface ImportedTurn {
  /** The key of its first message: a turn whose key the session knows is passed over. */
  readonly message_id: string;
  readonly parts: readonly DatedRecords[];
}

/**
 * The records of a turn. Its calls carry no usage, so that no budget is charged for what was paid elsewhere long ago; the
 * turn's own record keeps what it used. One that was not over when it was exported is closed as failed: nobody goes on with it.
 * What its user said before its first reply it was asked with; what came later it was handed while it ran.
 *
 * @param channel the address of the channel it is said to have come by
 * @param waitedAs the id of the turn a further message is said to have waited for; the same for the same message
 */
export function recordsOf(turn: ExportedTurn, channel: string, waitedAs: (message_id: string) => string): ImportedTurn {
  const { id: turn_id, user_id, model } = turn;
  const parts: DatedRecords[] = [];
  const received = (message: ExportedMessage, as: string): DatedRecords => {
    const { id: message_id, content, at } = message;
    const body = { message_id, turn_id: as, user_id, channel, content, model: '' };
    // The fingerprint is the session's to make.
    return { at, records: [{ type: 'message_received', ...body, digest: '' }] };
  };
  const replied = turn.messages.findIndex(({ role }) => role !== 'user');
  const asked = replied < 0 ? turn.messages : turn.messages.slice(0, replied);
  const message_ids = asked.map(({ id }) => id);
  const joined = message_ids.slice(1).map((message_id) => ({ turn_id, message_id, waited_as: waitedAs(message_id) }));
  asked.forEach((message, nth) => {
    parts.push(received(message, joined[nth - 1]?.waited_as ?? turn_id));
  });
  const queued_ms = Math.max(0, turn.started_at - (asked[0]?.at ?? turn.started_at));
  parts.push({
    at: turn.started_at,
    records: [
      ...joined.map((one) => ({ type: 'message_collected' as const, ...one })),
      { type: 'turn_started', turn_id, message_ids, model, queued_ms },
    ],
  });
  const names = new Map<string, string>();
  let call = 0;
  for (const message of turn.messages.slice(asked.length)) {
    const { at, content, id: message_id, tool_calls } = message;
    if (message.role === 'user') {
      const waited_as = waitedAs(message_id);
      const steered = { turn_id, message_id, waited_as, before_call: call + 1 };
      parts.push(received(message, waited_as), { at, records: [{ type: 'message_steered', ...steered }] });
    } else if (message.role === 'assistant') {
      call += 1;
      for (const { id, name } of tool_calls) names.set(id, name);
      const deltas = content === '' ? [] : [content.length];
      const finish: ModelReplied['finish'] = tool_calls.length > 0 ? 'tool_calls' : (turn.finish_reason ?? 'stop');
      const said = { turn_id, call, content, thinking: '', tool_calls, usage: NO_USAGE, finish, deltas, message_id };
      const records: SessionRecord[] = [{ type: 'model_replied', ...said }];
      if (tool_calls.length > 0) records.push({ type: 'tool_called', turn_id, calls: tool_calls });
      parts.push({ at, records });
    } else {
      const { tool_call_id: call_id, is_error, truncated } = message;
      const name = names.get(call_id) ?? '';
      const result = { turn_id, call_id, name, content, is_error, truncated, took_ms: 0, message_id };
      parts.push({ at, records: [{ type: 'tool_returned', ...result }] });
    }
  }
  parts.push({ at: turn.ended_at, records: [endOf(turn)] });
  return { message_id: message_ids[0] ?? '', parts };
}

function endOf(turn: ExportedTurn): SessionRecord {
  const { id: turn_id, usage, error, finish_reason, reply_id, content } = turn;
  if (error !== null) return { type: 'turn_failed', turn_id, code: error.code, message: error.message, usage };
  if (finish_reason !== null) {
    return { type: 'turn_finished', turn_id, reply_id: reply_id ?? '', finish_reason, content, usage };
  }
  const message = 'The turn was not over when its session was exported.';
  return { type: 'turn_failed', turn_id, code: 'draining', message, usage };
}
