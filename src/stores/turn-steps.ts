// SPDX-License-Identifier: Apache-2.0
// What the debug page shows of a record: what happened and how much of it, without what anybody wrote.

import type { SessionRecord, ToolCall } from './records.ts';

const names = (calls: readonly ToolCall[]): readonly { readonly id: string; readonly name: string }[] =>
  calls.map(({ id, name }) => ({ id, name }));

/** A record without the text of messages, thoughts, arguments and results; their lengths stand in for them. */
export function stepDetail(record: SessionRecord): Readonly<Record<string, unknown>> {
  switch (record.type) {
    case 'message_received': {
      const { type: _type, turn_id: _turn, content, digest: _digest, ...rest } = record;
      return { ...rest, content_length: content.length };
    }
    case 'model_replied': {
      const { type: _type, turn_id: _turn, content, thinking, tool_calls, deltas, ...rest } = record;
      const lengths = { content_length: content.length, thinking_length: thinking.length, deltas: deltas.length };
      return { ...rest, ...lengths, tool_calls: names(tool_calls) };
    }
    case 'tool_called':
      return { calls: names(record.calls) };
    case 'tool_returned': {
      const { type: _type, turn_id: _turn, content, ...rest } = record;
      return { ...rest, content_length: content.length };
    }
    case 'approval_requested': {
      const { type: _type, turn_id: _turn, arguments: given, ...rest } = record;
      return { ...rest, arguments_length: given.length };
    }
    case 'turn_finished': {
      const { type: _type, turn_id: _turn, content, ...rest } = record;
      return { ...rest, content_length: content.length };
    }
    case 'checkpoint':
      return {};
    case 'message_collected':
    case 'message_steered':
    case 'turn_started':
    case 'turn_resumed':
    case 'model_called':
    case 'model_replaced':
    case 'approval_decided':
    case 'cancel_requested':
    case 'turn_failed':
    case 'reply_handed':
    case 'reply_lost': {
      const { type: _type, turn_id: _turn, ...rest } = record;
      return rest;
    }
    case 'message_added': {
      const { content, type: _type, ...rest } = record;
      return { ...rest, length: content.length };
    }
    case 'message_blocked': {
      const { type: _type, digest: _digest, ...rest } = record;
      return rest;
    }
    case 'compacted': {
      const { type: _type, summary, ...rest } = record;
      return { ...rest, summary_length: summary.length };
    }
    case 'session_created':
    case 'session_deleted':
    case 'session_superseded':
    case 'summary_erased':
    case 'session_changed': {
      const { type: _type, ...rest } = record;
      return rest;
    }
    default:
      return record satisfies never;
  }
}
