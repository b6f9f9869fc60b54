// SPDX-License-Identifier: Apache-2.0
// Where a listener that comes back wants to go on: the id of the last event it had.

import type { Exchange } from './exchange.ts';
import { invalid } from './problem.ts';

export interface LastEvent {
  /** What it is an event of: a turn's id, most often. */
  readonly of: string;
  readonly n: number;
}

const EVENT_ID = /^([A-Za-z0-9][A-Za-z0-9_-]{0,63}):(\d{1,15})$/;

/**
 * The header's value, or that of `?last_event_id=` for those who cannot send one; undefined when there is none.
 *
 * @throws Refusal `validation_failed` when it is not an id of ours.
 */
export function lastEventId(exchange: Exchange): LastEvent | undefined {
  const header = exchange.request.headers['last-event-id'];
  const text = (Array.isArray(header) ? header[0] : header) || exchange.query.get('last_event_id') || undefined;
  if (text === undefined) return undefined;
  const [, of, n] = EVENT_ID.exec(text) ?? [];
  if (of === undefined) throw invalid([{ path: 'last_event_id', message: 'is not the id of an event' }]);
  return { of, n: Number(n) };
}
