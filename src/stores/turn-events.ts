// SPDX-License-Identifier: Apache-2.0
// A turn as its listeners see it: the events, their numbers, and how a finished turn is told again from its records.

import type { ErrorCode } from '../errors.ts';
import { dateTime } from './date-time.ts';
import type { DeltaLengths, FinishReason, SessionRecord, ToolCall, Usage, Warning } from './records.ts';

/** The events of a turn by name; each name's data is what goes over the wire. */
export type TurnEvent =
  | {
      readonly event: 'turn_started';
      readonly data: {
        readonly turn_id: string;
        readonly session_id: string;
        readonly workspace_id: string;
        readonly message_id: string;
        /** All messages it answers from its start, that one first. */
        readonly message_ids: readonly string[];
        readonly model: string;
        readonly queued_ms: number;
      };
    }
  | { readonly event: 'text_delta'; readonly data: { readonly text: string } }
  | { readonly event: 'thinking_delta'; readonly data: { readonly text: string } }
  | { readonly event: 'turn_restarted'; readonly data: { readonly reason: 'resumed' | 'failover' } }
  | { readonly event: 'tool_call'; readonly data: ToolCall }
  | {
      readonly event: 'approval_requested';
      readonly data: {
        readonly id: string;
        readonly call_id: string;
        readonly tool: string;
        readonly arguments: string;
        readonly reason: string;
        /** RFC 3339 UTC with milliseconds. */
        readonly expires_at: string;
      };
    }
  | {
      readonly event: 'tool_result';
      readonly data: {
        readonly id: string;
        readonly name: string;
        readonly content: string;
        readonly is_error: boolean;
        readonly truncated: boolean;
      };
    }
  | { readonly event: 'usage'; readonly data: Usage }
  | { readonly event: 'warning'; readonly data: Warning }
  | {
      readonly event: 'done';
      readonly data: {
        readonly turn_id: string;
        readonly reply_id: string;
        readonly finish_reason: FinishReason;
        readonly content: string;
      };
    }
  | { readonly event: 'error'; readonly data: { readonly code: ErrorCode; readonly message: string } };

/** A turn event with its number: `n` counts from 1 within the turn and never goes back. */
export interface NumberedTurnEvent {
  readonly turn_id: string;
  readonly n: number;
  readonly event: TurnEvent;
}

/** An event in its short form: nearly all are text deltas, so a plain string is one. */
export type ShortEvent = TurnEvent | string;

/** Events of one turn in a row, as they are kept and cross a thread: the turn and the first number are said once. */
export interface TurnEventBatch {
  readonly turn_id: string;
  readonly first: number;
  readonly events: readonly ShortEvent[];
  /** This turn never starts: another answers its message. There are no events then. */
  readonly answered_by?: string;
}

/** A batch's events, each with its number again. */
export function eventsIn({ turn_id, first, events }: TurnEventBatch): readonly NumberedTurnEvent[] {
  return events.map((event, at) => ({
    turn_id,
    n: first + at,
    event: typeof event === 'string' ? { event: 'text_delta', data: { text: event } } : event,
  }));
}

/** Where a turn's numbering stands. Immutable; part of a session's folded state. */
export interface EventCursor {
  /** The number of the newest durable event. */
  readonly n: number;
  /** All text of the turn so far: repeated in one piece after a restart. */
  readonly text: string;
}

export const NO_EVENTS: EventCursor = { n: 0, text: '' };

/**
 * The most events one attempt of a turn may show. A resumed attempt counts on from the next multiple, past whatever the
 * interrupted one may have shown without its being journaled.
 */
export const EVENTS_PER_ATTEMPT = 1_000_000;

/** The number a resumed attempt's `turn_restarted` gets. */
export function firstEventAfterResume(cursor: EventCursor): number {
  return (Math.floor(cursor.n / EVENTS_PER_ATTEMPT) + 1) * EVENTS_PER_ATTEMPT + 1;
}

/** What a session adds to `turn_started`. */
export interface TurnPlace {
  readonly session_id: string;
  readonly workspace_id: string;
}

/**
 * The events that follow from one record of a turn. Deltas of a model's reply come out of its lengths, so a turn that is
 * told from its records has the very numbers its live listeners saw.
 */
export function eventsOf(
  record: SessionRecord,
  place: TurnPlace,
  cursor: EventCursor,
): { events: NumberedTurnEvent[]; cursor: EventCursor } {
  const events: NumberedTurnEvent[] = [];
  let { n, text } = cursor;
  const add = (turn_id: string, event: TurnEvent): void => {
    n += 1;
    events.push({ turn_id, n, event });
  };
  switch (record.type) {
    case 'turn_started':
      add(record.turn_id, {
        event: 'turn_started',
        data: {
          turn_id: record.turn_id,
          session_id: place.session_id,
          workspace_id: place.workspace_id,
          message_id: record.message_ids[0] ?? '',
          message_ids: record.message_ids,
          model: record.model,
          queued_ms: record.queued_ms,
        },
      });
      if (record.warning !== undefined) add(record.turn_id, { event: 'warning', data: record.warning });
      break;
    case 'turn_resumed':
      n = record.first_event - 1;
      add(record.turn_id, { event: 'turn_restarted', data: { reason: 'resumed' } });
      // The listener forgets the text; what earlier calls of this turn said is durable and is said again at once.
      if (text !== '') add(record.turn_id, { event: 'text_delta', data: { text } });
      break;
    case 'model_replaced':
      if (!record.restarted) break;
      text = text.slice(0, record.kept);
      add(record.turn_id, { event: 'turn_restarted', data: { reason: 'failover' } });
      if (text !== '') add(record.turn_id, { event: 'text_delta', data: { text } });
      break;
    case 'model_replied':
      if (record.warning !== undefined) add(record.turn_id, { event: 'warning', data: record.warning });
      for (const event of deltasOf(record.content, record.thinking, record.deltas)) add(record.turn_id, event);
      text += record.content;
      if (record.notice !== undefined) add(record.turn_id, { event: 'warning', data: record.notice });
      break;
    case 'tool_called':
      for (const call of record.calls) add(record.turn_id, { event: 'tool_call', data: call });
      break;
    case 'approval_requested': {
      const { id, call_id, tool, arguments: given, reason } = record;
      const expires_at = dateTime(record.expires_at).toISOString();
      const data = { id, call_id, tool, arguments: given, reason, expires_at };
      add(record.turn_id, { event: 'approval_requested', data });
      break;
    }
    case 'tool_returned':
      add(record.turn_id, {
        event: 'tool_result',
        data: {
          id: record.call_id,
          name: record.name,
          content: record.content,
          is_error: record.is_error,
          truncated: record.truncated,
        },
      });
      if (record.warning !== undefined) add(record.turn_id, { event: 'warning', data: record.warning });
      break;
    case 'turn_finished':
      add(record.turn_id, { event: 'usage', data: record.usage });
      add(record.turn_id, {
        event: 'done',
        data: {
          turn_id: record.turn_id,
          reply_id: record.reply_id,
          finish_reason: record.finish_reason,
          content: record.content,
        },
      });
      break;
    case 'turn_failed':
      add(record.turn_id, { event: 'usage', data: record.usage });
      add(record.turn_id, { event: 'error', data: { code: record.code, message: record.message } });
      break;
    default:
      break;
  }
  return { events, cursor: { n, text } };
}

function* deltasOf(content: string, thinking: string, lengths: DeltaLengths): Generator<TurnEvent> {
  let said = 0;
  let thought = 0;
  for (const length of lengths) {
    if (length > 0) {
      yield { event: 'text_delta', data: { text: content.slice(said, said + length) } };
      said += length;
    } else {
      yield { event: 'thinking_delta', data: { text: thinking.slice(thought, thought - length) } };
      thought -= length;
    }
  }
}

/** Events a warning is. */
const told = (warning: Warning | undefined): number => (warning === undefined ? 0 : 1);

/** Where a turn's numbering stands after one more record: what {@link eventsOf} says, without making the events. */
export function cursorAfter(record: SessionRecord, cursor: EventCursor): EventCursor {
  const { n, text } = cursor;
  switch (record.type) {
    case 'turn_started':
    case 'tool_returned':
      return { n: n + 1 + told(record.warning), text };
    case 'approval_requested':
      return { n: n + 1, text };
    case 'turn_resumed':
      return { n: record.first_event + (text === '' ? 0 : 1), text };
    case 'model_replaced': {
      if (!record.restarted) return cursor;
      const kept = text.slice(0, record.kept);
      return { n: n + (kept === '' ? 1 : 2), text: kept };
    }
    case 'model_replied':
      return { n: n + record.deltas.length + told(record.warning) + told(record.notice), text: text + record.content };
    case 'tool_called':
      return { n: n + record.calls.length, text };
    case 'turn_finished':
    case 'turn_failed':
      return { n: n + 2, text };
    default:
      return cursor;
  }
}

/** Whether nothing follows this event. */
export function endsTurn(event: TurnEvent): boolean {
  return event.event === 'done' || event.event === 'error';
}
