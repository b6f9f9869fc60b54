// SPDX-License-Identifier: Apache-2.0
// How MCP servers are told: their states in colour, their tools, and what is wrong with when it is tried again.

import { type JsonObject, number, object, text } from './json-reading.ts';
import type { Paint } from './output.ts';
import { counted, stateText } from './state-text.ts';
import { oneLine } from './terminal-text.ts';
import { agoText, spanText } from './time-text.ts';

/** A server's state, as good or bad as it is. */
export function mcpState(server: JsonObject, paint: Paint): string {
  const state = stateText(server['state']);
  if (state === 'configured') return paint.dim(state);
  if (state === 'ready') return paint.green(state);
  return state === 'quarantined' || state === 'unreachable' ? paint.red(state) : paint.yellow(state);
}

/** What is wrong with a server that is not ready, and when it is tried again; what was wrong with one that is. */
export function mcpTrouble(server: JsonObject, now: number): string {
  const error = object(server['last_error']);
  const message = oneLine(text(error['message']));
  if (message === '') return '';
  if (stateText(server['state']) === 'ready') return `last error ${agoText(text(error['at']), now)}: ${message}`;
  const at = Date.parse(text(server['retry_at']));
  const again = at > now + 1_000 ? `; tried again in ${spanText((at - now) / 1_000)}` : '';
  const advice = oneLine(text(server['advice']));
  return `${message.replace(/\.$/, '')}${again}${advice === '' ? '' : `. ${advice}`}`;
}

/** How many tools it has, and how many of them are left out. */
export function mcpTools(server: JsonObject): string {
  const left = number(server['skipped_count']);
  return counted(number(server['tools']), 'tool').concat(left === 0 ? '' : `, ${left} left out`);
}
