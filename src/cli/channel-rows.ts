// SPDX-License-Identifier: Apache-2.0
// How channels are told: their states in colour, what waits, what is wrong and what to do.

import { type JsonObject, number, object, text } from './json-reading.ts';
import type { Paint } from './output.ts';
import { stateText } from './state-text.ts';
import { oneLine } from './terminal-text.ts';
import { agoText, spanText } from './time-text.ts';

/** A channel's state, as good or bad as it is. */
export function channelState(channel: JsonObject, paint: Paint): string {
  const state = stateText(channel['state']);
  if (state === 'online') return paint.green(state);
  if (state === 'stopped') return paint.dim(state);
  return state === 'failed' || state === 'quarantined' || state === 'unreachable'
    ? paint.red(state)
    : paint.yellow(state);
}

/** What waits to be said. */
export function channelWaiting(channel: JsonObject): string {
  const waiting = number(channel['waiting']);
  return waiting === 0 ? '0' : `${waiting} for ${spanText(number(channel['oldest_ms']) / 1_000)}`;
}

/** What is wrong with a channel that is not online, and when it connects again; what was wrong with one that is. */
export function channelTrouble(channel: JsonObject, now: number): string {
  const error = object(channel['last_error']);
  const message = oneLine(text(error['message']));
  if (message === '') return '';
  if (stateText(channel['state']) === 'online') return `last error ${agoText(text(error['at']), now)}: ${message}`;
  const at = Date.parse(text(channel['retry_at']));
  const again = at > now + 1_000 ? `; connects again in ${spanText((at - now) / 1_000)}` : '';
  const advice = oneLine(text(channel['advice']));
  return `${message.replace(/\.$/, '')}${again}${advice === '' ? '' : `. ${advice}`}`;
}
