// SPDX-License-Identifier: Apache-2.0
// Finds in a request what the offline model has to answer now: the person's words and the tool results that are in.

import type { ChatMessage, ChatToolCall } from '../provider.ts';

/** A tool call of this turn and what came of it; no result when it never arrived. */
export interface Answered {
  readonly call: ChatToolCall;
  readonly result: string | undefined;
}

export interface Tail {
  /** What the person said, in order: the message of this turn, and what was added while it ran. */
  readonly said: readonly string[];
  readonly answered: readonly Answered[];
}

function hasCalls(message: ChatMessage): boolean {
  return message.role === 'assistant' && (message.toolCalls?.length ?? 0) > 0;
}

/** A turn begins with the message that tool rounds lead back to; what was answered before is history. */
function startOfTurn(messages: readonly ChatMessage[]): number {
  let start = messages.length - 1;
  while (start > 0) {
    const first = messages[start];
    const before = messages[start - 1];
    if (first === undefined || before === undefined) break;
    const goesOn = first.role === 'user' ? before.role === 'tool' : first.role === 'tool' || hasCalls(first);
    if (!goesOn) break;
    start -= 1;
  }
  return Math.max(start, 0);
}

/** The part of a conversation that waits for an answer. */
export function tailOf(messages: readonly ChatMessage[]): Tail {
  const said: string[] = [];
  const answered: Answered[] = [];
  const turn = messages.slice(startOfTurn(messages));
  for (const [index, message] of turn.entries()) {
    if (message.role === 'user') said.push(message.content);
    if (!hasCalls(message)) continue;
    // Ids are only sure to differ within one reply: its results are the tool messages right behind it.
    const results = new Map<string, string>();
    for (const result of turn.slice(index + 1)) {
      if (result.role !== 'tool') break;
      if (result.toolCallId !== undefined) results.set(result.toolCallId, result.content);
    }
    for (const call of message.toolCalls ?? []) answered.push({ call, result: results.get(call.id) });
  }
  return { said, answered };
}
