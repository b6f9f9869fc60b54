// SPDX-License-Identifier: Apache-2.0
// Asking a person before a tool call runs: the request, the answer, and that nobody gave one. Pure.

import { routeBack, told } from '../../stores/outbox.ts';
import type { ToolCall } from '../../stores/records.ts';
import { isAsked, type RunningTool, type SessionState } from '../../stores/session-state.ts';
import { type Deciding, type Decision, Draft, decided } from './draft.ts';
import { nextStep } from './next-step.ts';
import { toolReturned, unmade } from './tool-result.ts';
import { callOrReserve } from './turn-course.ts';

/** A person's answer to a request. */
export interface ApprovalAnswer {
  readonly id: string;
  readonly decision: 'approve' | 'deny';
  readonly by: string;
}

/** Asks for a call of the running turn. @param reason why its tool asks */
export function requestApproval(draft: Draft, call: ToolCall, reason: string, { now, uuid, policy }: Deciding): void {
  const { turn } = draft.state;
  if (turn === null) return;
  draft.add({
    type: 'approval_requested',
    turn_id: turn.turn_id,
    id: uuid(),
    call_id: call.id,
    tool: call.name,
    arguments: call.arguments,
    reason,
    user_id: turn.message.user_id,
    expires_at: now + policy.approval_timeout,
    ...told(routeBack(turn)),
  });
}

/** What follows an answer; null when that request does not wait for one (any more). */
export function decideApproval(state: SessionState, answer: ApprovalAnswer, deciding: Deciding): Decision | null {
  const { turn } = state;
  const tool = turn?.tools.find(({ approval }) => approval?.id === answer.id);
  if (turn === null || tool === undefined || !isAsked(tool) || turn.cancelled) return null;
  const draft = new Draft(state, deciding);
  draft.add({ type: 'approval_decided', turn_id: turn.turn_id, ...answer });
  if (answer.decision === 'deny') {
    refuse(draft, tool, deciding);
    if (nextStep(draft.state) === 'reserve') callOrReserve(draft, deciding);
  }
  return decided(draft);
}

/** What follows when requests were not answered in time: they count as denied. */
export function decideExpired(state: SessionState, deciding: Deciding): Decision {
  const draft = new Draft(state, deciding);
  const { turn } = state;
  const late = (turn?.tools ?? []).filter((tool) => isAsked(tool) && (tool.approval?.expires_at ?? 0) <= deciding.now);
  if (turn === null || turn.cancelled || late.length === 0) return decided(draft);
  for (const tool of late) {
    const id = tool.approval?.id ?? '';
    draft.add({ type: 'approval_decided', turn_id: turn.turn_id, id, decision: 'expired', by: 'system' });
    refuse(draft, tool, deciding);
  }
  if (nextStep(draft.state) === 'reserve') callOrReserve(draft, deciding);
  return decided(draft);
}

/** Tells the model that a call was not allowed, as its approval now stands. */
export function refuse(draft: Draft, { call }: RunningTool, deciding: Deciding): void {
  const { turn } = draft.state;
  const approval = turn?.tools.find((tool) => tool.call.id === call.id)?.approval;
  if (turn === null || approval === undefined) return;
  const why =
    approval.decision === 'expired'
      ? 'approval_expired: Nobody allowed this call in time. It was not made.'
      : 'tool_denied: The user did not allow this call. It was not made; do not try it again unasked.';
  toolReturned(draft, turn, unmade(call, why), deciding);
}

/** When the first of the requests of a state's turn is to be answered at the latest, epoch milliseconds; null: none waits. */
export function nextExpiry({ turn }: SessionState): number | null {
  let next: number | null = null;
  for (const tool of turn?.tools ?? []) {
    if (tool.approval === undefined || !isAsked(tool)) continue;
    next = Math.min(next ?? Number.POSITIVE_INFINITY, tool.approval.expires_at);
  }
  return next;
}
