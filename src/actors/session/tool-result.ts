// SPDX-License-Identifier: Apache-2.0
// What came of a tool call, and how it is journaled.

import type { ToolCall, Warning } from '../../stores/records.ts';
import type { TurnState } from '../../stores/session-state.ts';
import type { ToolPermission } from '../../stores/tool-use.ts';
import type { Deciding, Draft } from './draft.ts';

export interface ToolResult {
  readonly call: ToolCall;
  readonly content: string;
  readonly is_error: boolean;
  readonly truncated: boolean;
  readonly took_ms: number;
  /** What listeners are warned of with it. */
  readonly warning?: Warning;
  /** What the enforcer said of the call, where it was asked. */
  readonly permission?: ToolPermission;
}

/** Journals a result. */
export function toolReturned(draft: Draft, turn: TurnState, result: ToolResult, deciding: Deciding): void {
  const { call, content, is_error, truncated, took_ms, warning, permission } = result;
  draft.add({
    type: 'tool_returned',
    turn_id: turn.turn_id,
    call_id: call.id,
    name: call.name,
    content,
    is_error,
    truncated,
    took_ms,
    message_id: deciding.uuid(),
    ...(warning === undefined ? {} : { warning }),
    ...(permission === undefined ? {} : { permission }),
  });
}

/** The result of a call that was not made, or not made to its end. */
export function unmade(call: ToolCall, why: string, permission?: ToolPermission): ToolResult {
  const result = { call, content: why, is_error: true, truncated: false, took_ms: 0 };
  return permission === undefined ? result : { ...result, permission };
}
