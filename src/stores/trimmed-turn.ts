// SPDX-License-Identifier: Apache-2.0
// A turn told from its record alone, when the steps it was made of are trimmed from the journal: shorter, and ending in the same id.

import type { ErrorCode } from '../errors.ts';
import type { TurnRow } from './session-store.ts';
import type { NumberedTurnEvent, TurnEvent } from './turn-events.ts';

/** What of a turn is kept beside its record. */
export interface TurnFigures {
  /** The number of its last event. */
  readonly last: number;
  /** How long it waited, in milliseconds. */
  readonly queued_ms: number;
}

/**
 * The events numbered above `from` of a turn that is over and whose steps are gone.
 *
 * Every turn ends in `usage` and `done` (or `error`) under its last two numbers, and does so here: who has seen the last is
 * told nothing, who has seen all but those two is told those. Before them comes the whole text as one delta, after
 * `turn_started` for who has seen nothing, and after `turn_restarted` for who has seen a part, which is to be forgotten.
 * Where only three numbers are left for the four events of that, `usage` gives way. Tools, thoughts and the cuts between
 * deltas are not told any more.
 */
export function eventsFromRecord(
  turn: TurnRow,
  { last, queued_ms }: TurnFigures,
  from: number,
): readonly NumberedTurnEvent[] {
  const left = last - from;
  if (left <= 0) return [];
  const events: NumberedTurnEvent[] = [];
  const add = (n: number, event: TurnEvent): void => {
    if (n > from) events.push({ turn_id: turn.id, n, event });
  };
  const short = from > 0 && left === 3;
  if (from === 0) add(1, started(turn, queued_ms));
  else if (left > 2) add(short ? last - 2 : last - 3, { event: 'turn_restarted', data: { reason: 'resumed' } });
  const text = short ? last - 1 : last - 2;
  // Who is at `last - 2` has seen all text there was.
  if (turn.content !== '' && left > 2 && text > 1) add(text, { event: 'text_delta', data: { text: turn.content } });
  if (!short) add(last - 1, { event: 'usage', data: turn.usage });
  add(last, ended(turn));
  return events;
}

function started(turn: TurnRow, queued_ms: number): TurnEvent {
  const { id: turn_id, session_id, workspace_id, message_id, message_ids, model } = turn;
  const data = { turn_id, session_id, workspace_id, message_id, message_ids, model, queued_ms };
  return { event: 'turn_started', data };
}

function ended({ id, reply_id, finish_reason, content, error }: TurnRow): TurnEvent {
  if (error !== null) return { event: 'error', data: { code: error.code as ErrorCode, message: error.message } };
  const data = { turn_id: id, reply_id: reply_id ?? '', finish_reason: finish_reason ?? 'stop', content };
  return { event: 'done', data };
}
