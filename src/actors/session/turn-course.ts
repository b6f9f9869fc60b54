// SPDX-License-Identifier: Apache-2.0
// The course of turns: the next one begins, makes its next call, and ends one way or the other. Pure; decisions are made of these.

import { type Failure, failure } from '../../errors.ts';
import { flaggedInput } from '../../security/scanner/told.ts';
import { routeBack, told } from '../../stores/outbox.ts';
import type { FinishReason, TurnFinished, TurnStarted, Usage } from '../../stores/records.ts';
import {
  isAsked,
  NO_USAGE,
  type SessionState,
  type TurnState,
  type WaitingMessage,
} from '../../stores/session-state.ts';
import type { Deciding, Draft } from './draft.ts';
import type { LanePolicy } from './policy.ts';
import { collectedWith, steeredInto } from './queue-modes.ts';
import { toolReturned, unmade } from './tool-result.ts';

/** Starts and ends a cancelled turn in one breath, beside the one that runs if there is one. */
export function cancelWaiting(
  draft: Draft,
  { turn_id, message_id, model, at }: WaitingMessage,
  deciding: Deciding,
): void {
  const queued_ms = Math.max(0, deciding.now - at);
  draft.add({ type: 'turn_started', turn_id, message_ids: [message_id], model, queued_ms });
  draft.add(finished(turn_id, deciding.uuid(), 'cancelled', '', NO_USAGE));
}

/**
 * Begins the next waiting turn; one that fails before it begins makes room for the one after it. While the agent is paused
 * none is begun, and those that were cancelled while they waited are ended all the same.
 */
export function startNext(draft: Draft, before: Deciding): void {
  const { now, begins: policy = before.policy } = before;
  const deciding = policy === before.policy ? before : { ...before, policy };
  for (
    let message = draft.state.waiting[0];
    message !== undefined && draft.state.turn === null;
    message = draft.state.waiting[0]
  ) {
    const { facts } = draft.state;
    if (facts === null) return;
    const { turn_id } = message;
    if (message.cancelled === true) {
      cancelWaiting(draft, message, deciding);
      continue;
    }
    if (policy.paused()) return;
    const model = policy.route({ requested: message.model, session: facts.model, workspace_id: facts.workspace_id });
    const message_ids = [message.message_id];
    const collected = collectedWith(message, draft.state.waiting);
    for (const { message_id, turn_id: waited_as } of collected) {
      message_ids.push(message_id);
      draft.add({ type: 'message_collected', turn_id, message_id, waited_as });
    }
    draft.add({
      type: 'turn_started',
      turn_id,
      message_ids,
      model: typeof model === 'string' ? model : message.model,
      queued_ms: Math.max(0, now - message.at),
      ...flagsOf(message, collected),
    });
    if (typeof model === 'string') callOrReserve(draft, deciding);
    else failAlone(draft, model);
  }
}

/** What the scanner found in messages it let through, as its listeners are warned of it. */
function flagsOf(first: WaitingMessage, collected: readonly WaitingMessage[]): Pick<TurnStarted, 'warning'> {
  const rules = new Set([first, ...collected].flatMap(({ flagged }) => flagged ?? []));
  return rules.size === 0 ? {} : { warning: flaggedInput([...rules]) };
}

/** The next model call: journaled at once when only the session's own budget matters, else after the reservation. */
export function callOrReserve(draft: Draft, deciding: Deciding): void {
  steer(draft);
  const { turn, facts } = draft.state;
  if (turn === null || facts === null) return;
  const { policy } = deciding;
  const { state } = draft;
  // It goes through all that the model is to be shown: once for each call.
  let known: ReturnType<LanePolicy['estimate']> | undefined;
  const estimate = (): ReturnType<LanePolicy['estimate']> => {
    known ??= policy.estimate(state);
    return known;
  };
  const refused = overSessionBudget(state, deciding, estimate);
  if (refused !== null) return fail(draft, refused, deciding);
  if (policy.budgets(turn.model, facts.workspace_id).length > 0) return;
  const most = estimate();
  called(draft, turn, most.tokens, most.cost_usd);
}

/** Hands the turn what was sent to it while it ran: its next call is the first to see it. */
function steer(draft: Draft): void {
  const { turn, waiting } = draft.state;
  if (turn === null || waiting.length === 0) return;
  const { turn_id, calls } = turn;
  for (const { message_id, turn_id: waited_as } of steeredInto(turn, waiting))
    draft.add({ type: 'message_steered', turn_id, message_id, waited_as, before_call: calls + 1 });
}

/** Why the session's own budget does not cover the next call; null when it does. */
export function overSessionBudget(
  state: SessionState,
  { policy }: Deciding,
  estimate = () => policy.estimate(state),
): Failure | null {
  const max = policy.per_session_tokens(state.facts?.workspace_id ?? '');
  if (max <= 0) return null;
  const most = estimate();
  const used = state.used_tokens;
  if (used + most.tokens <= max) return null;
  const text = `The session's budget of ${max} tokens does not cover this call: ${used} are used and it may need ${most.tokens}; a session's budget does not reset.`;
  return failure('budget_exceeded', text, { limit: 'per_session_tokens', used, max, resets_at: null });
}

/** Journals the next model call. */
export function called(draft: Draft, turn: TurnState, tokens: number, cost_usd: number): void {
  draft.add({
    type: 'model_called',
    turn_id: turn.turn_id,
    call: turn.calls + 1,
    model: turn.model,
    reserved_tokens: tokens,
    reserved_usd: cost_usd,
  });
}

/** Ends a cancelled turn that is between two calls; tools without a result get one, so that no call is left alone. */
export function conclude(draft: Draft, deciding: Deciding): void {
  const { turn } = draft.state;
  if (turn === null) return;
  closeApprovals(draft);
  for (const { call, returned } of turn.tools) {
    if (returned) continue;
    toolReturned(draft, turn, unmade(call, 'The call was cancelled.'), deciding);
  }
  finish(draft, deciding.uuid(), 'cancelled', deciding);
}

/** Ends the turn well. */
export function finish(draft: Draft, reply_id: string, reason: FinishReason, deciding: Deciding): void {
  const { turn } = draft.state;
  if (turn === null) return;
  draft.add({ ...finished(turn.turn_id, reply_id, reason, turn.cursor.text, turn.usage), ...told(routeBack(turn)) });
  startNext(draft, deciding);
}

function finished(
  turn_id: string,
  reply_id: string,
  finish_reason: FinishReason,
  content: string,
  usage: Usage,
): TurnFinished {
  return { type: 'turn_finished', turn_id, reply_id, finish_reason, content, usage };
}

/** Ends the turn with what was wrong. */
export function fail(draft: Draft, error: Failure, deciding: Deciding): void {
  failAlone(draft, error);
  startNext(draft, deciding);
}

function failAlone(draft: Draft, error: Failure): void {
  const { turn } = draft.state;
  if (turn === null) return;
  closeApprovals(draft);
  draft.add({
    type: 'turn_failed',
    turn_id: turn.turn_id,
    code: error.code,
    message: error.message,
    usage: turn.usage,
    ...told(routeBack(turn)),
  });
}

/** Nobody is asked any more: the turn is over. */
function closeApprovals(draft: Draft): void {
  const { turn } = draft.state;
  if (turn === null || turn.waited?.since == null) return;
  for (const tool of turn.tools) {
    if (tool.approval === undefined || !isAsked(tool)) continue;
    const { id } = tool.approval;
    draft.add({ type: 'approval_decided', turn_id: turn.turn_id, id, decision: 'cancelled', by: 'system' });
  }
}
