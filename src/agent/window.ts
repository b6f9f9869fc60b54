// SPDX-License-Identifier: Apache-2.0
// Messages in units that must not be parted: a reply with tool calls and the results that answer them.

import type { TurnMessage } from './turn-message.ts';

/**
 * Cuts a conversation into units, in order. Models refuse a call without its result and a result without its call, but
 * an interrupted turn can leave either: such a call is taken out of its reply, such a result is left out, and a reply
 * of which nothing remains goes too.
 */
export function unitsOf(messages: readonly TurnMessage[]): TurnMessage[][] {
  const units: TurnMessage[][] = [];
  for (let at = 0; at < messages.length; at += 1) {
    const message = messages[at];
    if (message === undefined || message.role === 'tool') continue;
    const calls = message.role === 'assistant' ? message.tool_calls : undefined;
    if (calls === undefined || calls.length === 0) {
      if (message.role === 'user' || message.content !== '') units.push([message]);
      continue;
    }
    const open = new Set(calls.map(({ id }) => id));
    const results: TurnMessage[] = [];
    for (let next = messages[at + 1]; next?.role === 'tool'; next = messages[at + 1]) {
      at += 1;
      if (next.tool_call_id !== undefined && open.delete(next.tool_call_id)) results.push(next);
    }
    const answered = calls.filter(({ id }) => !open.has(id));
    if (answered.length > 0) {
      units.push([answered.length === calls.length ? message : { ...message, tool_calls: answered }, ...results]);
    } else if (message.content !== '') {
      units.push([{ role: 'assistant', content: message.content }]);
    }
  }
  return units;
}
