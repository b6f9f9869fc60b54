// SPDX-License-Identifier: Apache-2.0
// What a session decides: from its state and something that happened, the records to write. Pure; the lane writes them and acts after.

import { type Failure, failure } from '../../errors.ts';
import { flaggedInput } from '../../security/scanner/told.ts';
import { NO_USAGE, type SessionState, type TurnState } from '../../stores/fold.ts';
import type { DeltaLengths, FinishReason, SessionRecord, ToolCall, Usage, Warning } from '../../stores/records.ts';
import { INTERRUPTED, type ToolPermission } from '../../stores/tool-use.ts';
import { firstEventAfterResume } from '../../stores/turn-events.ts';
import { type Deciding, type Decision, Draft, decided } from './draft.ts';
import { anotherMayAnswer, failedModel, nextCandidate, noneLeft, replacementWarning } from './failover.ts';
import type { Deliver } from './protocol.ts';

/** How a model call ended. */
export interface ModelOutcome {
  readonly content: string;
  readonly thinking: string;
  readonly deltas: DeltaLengths;
  readonly tool_calls: readonly ToolCall[];
  readonly usage: Usage;
  /** What listeners are told after it. */
  readonly notice?: Warning;
  readonly end:
    | { readonly kind: 'done'; readonly finish: FinishReason | 'tool_calls' }
    | { readonly kind: 'failed'; readonly error: Failure };
}

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

/** What came of an effect of the running turn. */
export type Happened =
  | { readonly kind: 'model_done'; readonly outcome: ModelOutcome }
  /** One of several tools is back; the others still run. */
  | { readonly kind: 'tool_returned'; readonly result: ToolResult }
  /** The last of them is back; `error`: and the turn ends with that, its time being over. */
  | { readonly kind: 'tools_done'; readonly results: readonly ToolResult[]; readonly error?: Failure }
  | { readonly kind: 'reserved'; readonly tokens: number; readonly cost_usd: number }
  | { readonly kind: 'refused'; readonly error: Failure }
  | { readonly kind: 'concluded' };

/** The one thing a session does next: a function of its state alone. */
export type NextStep = 'idle' | 'start' | 'reserve' | 'call' | 'tools' | 'conclude';

export function nextStep(state: SessionState): NextStep {
  const { turn } = state;
  if (turn === null) return state.waiting.length === 0 ? 'idle' : 'start';
  if (turn.open_call !== null) return 'call';
  if (turn.cancelled) return 'conclude';
  return turn.tools.some((tool) => !tool.returned) ? 'tools' : 'reserve';
}

/** A message as it is taken: what the scanner cut out is out, what it let through in spite of something is marked. */
export interface Scanned extends Deliver {
  readonly flagged?: readonly string[];
}

function open(draft: Draft, session_id: string, { open, workspace_id, user_id, channel }: Deliver): void {
  if (draft.state.facts !== null || !open) return;
  draft.add({ type: 'session_created', session_id, workspace_id, user_id, channel });
}

/** Refuses a message for good: known by its key, so that a repetition is told the same. */
export function decideBlocked(
  state: SessionState,
  session_id: string,
  message: Deliver,
  digest: string,
  rules: readonly string[],
  deciding: Deciding,
): Decision {
  const draft = new Draft(state, deciding);
  open(draft, session_id, message);
  const { message_id, user_id, channel } = message;
  draft.add({ type: 'message_blocked', message_id, user_id, channel, digest, rules });
  return decided(draft);
}

/** Takes a message in: opens the session if need be, queues the message, begins its turn when nothing runs. */
export function decideReceive(
  state: SessionState,
  session_id: string,
  message: Scanned,
  turn_id: string,
  digest: string,
  deciding: Deciding,
): Decision {
  const draft = new Draft(state, deciding);
  open(draft, session_id, message);
  draft.add({
    type: 'message_received',
    message_id: message.message_id,
    turn_id,
    user_id: message.user_id,
    channel: message.channel,
    content: message.content,
    model: message.model,
    digest,
    ...(message.flagged === undefined ? {} : { flagged: message.flagged }),
  });
  const { turn } = draft.state;
  if (turn === null) startNext(draft, deciding);
  else if (message.queue === 'interrupt' && !turn.cancelled) {
    draft.add({ type: 'cancel_requested', turn_id: turn.turn_id, by: message.user_id });
  }
  return decided(draft);
}

/** Stops the running turn, or drops a waiting one; null when the turn is neither. */
export function decideCancel(state: SessionState, turn_id: string, by: string, deciding: Deciding): Decision | null {
  const draft = new Draft(state, deciding);
  if (state.turn?.turn_id === turn_id) {
    if (!state.turn.cancelled) draft.add({ type: 'cancel_requested', turn_id, by });
    return decided(draft);
  }
  const message = state.waiting.find((waiting) => waiting.turn_id === turn_id);
  if (message === undefined) return null;
  draft.add({ type: 'cancel_requested', turn_id, by });
  draft.add({
    type: 'turn_started',
    turn_id,
    message_ids: [message.message_id],
    model: message.model,
    queued_ms: deciding.now - message.at,
  });
  draft.add(finished(turn_id, deciding.uuid(), 'cancelled', '', NO_USAGE));
  return decided(draft);
}

/**
 * What is known of a turn's share in its interruption: it held its thread up until that was ended, it was worked on when its
 * thread ran out of memory, its thread was lost over another, or nobody knows.
 */
export type Share = 'guilty' | 'suspect' | 'innocent' | 'unknown';

/**
 * Attempts an interruption counts for. A turn that hangs or floods its thread takes everybody else's with it, and is to
 * run out of attempts long before they do.
 */
const COUNTS: Readonly<Record<Share, number>> = {
  innocent: 0,
  unknown: 1,
  suspect: 2,
  guilty: Number.POSITIVE_INFINITY,
};

/** What to write when a lane wakes with something open: nothing is repeated whose result is journaled. */
export function decideResume(state: SessionState, deciding: Deciding, share: Share = 'unknown'): Decision {
  const draft = new Draft(state, deciding);
  const { turn } = state;
  if (turn === null) {
    startNext(draft, deciding);
    return decided(draft);
  }
  const attempt = Math.min(turn.attempt + COUNTS[share], deciding.policy.attempts_most + 1);
  draft.add({
    type: 'turn_resumed',
    turn_id: turn.turn_id,
    attempt,
    first_event: firstEventAfterResume(turn.cursor),
    settled_tokens: turn.open_call?.reserved_tokens ?? 0,
    settled_usd: turn.open_call?.reserved_usd ?? 0,
  });
  if (turn.cancelled) {
    conclude(draft, deciding);
  } else if (attempt > deciding.policy.attempts_most) {
    fail(
      draft,
      failure(
        'poisoned',
        share === 'guilty'
          ? 'The turn held up everybody else on its thread and was given up.'
          : 'The turn was interrupted again and again without getting any further and was given up.',
      ),
      deciding,
    );
  } else {
    for (const { call, returned } of turn.tools) {
      if (returned || deciding.policy.idempotent(call.name)) continue;
      toolReturned(
        draft,
        turn,
        unmade(call, 'The call was interrupted: whether it took effect is unknown. It was not repeated.', INTERRUPTED),
        deciding,
      );
    }
    if (nextStep(draft.state) === 'reserve') callOrReserve(draft, deciding);
  }
  return decided(draft);
}

/** What to write after something happened in the running turn. */
export function decideHappened(state: SessionState, happened: Happened, deciding: Deciding): Decision {
  const draft = new Draft(state, deciding);
  const { turn } = state;
  if (turn === null) return decided(draft);
  switch (happened.kind) {
    case 'model_done':
      modelDone(draft, turn, happened.outcome, deciding);
      break;
    case 'tool_returned':
      toolReturned(draft, turn, happened.result, deciding);
      break;
    case 'tools_done':
      for (const result of happened.results) toolReturned(draft, turn, result, deciding);
      if (turn.cancelled) conclude(draft, deciding);
      else if (happened.error !== undefined) fail(draft, happened.error, deciding);
      else callOrReserve(draft, deciding);
      break;
    case 'reserved':
      if (turn.cancelled) conclude(draft, deciding);
      else called(draft, turn, happened.tokens, happened.cost_usd);
      break;
    case 'refused':
      failOver(draft, turn, happened.error, NOT_SHOWN, deciding);
      break;
    case 'concluded':
      conclude(draft, deciding);
      break;
    default:
      happened satisfies never;
  }
  return decided(draft);
}

function modelDone(draft: Draft, turn: TurnState, outcome: ModelOutcome, deciding: Deciding): void {
  const { end } = outcome;
  const cancelled = turn.cancelled;
  const asks = !cancelled && end.kind === 'done' && outcome.tool_calls.length > 0;
  const message_id = deciding.uuid();
  const warning = replacementWarning(turn);
  const answered = outcome.deltas.length > 0 || (end.kind === 'done' && !cancelled);
  draft.add({
    type: 'model_replied',
    turn_id: turn.turn_id,
    call: turn.calls,
    content: outcome.content,
    thinking: outcome.thinking,
    tool_calls: asks ? outcome.tool_calls : [],
    usage: outcome.usage,
    finish: cancelled ? 'cancelled' : end.kind === 'failed' ? 'failed' : end.finish,
    deltas: outcome.deltas,
    message_id,
    ...(answered && warning !== null ? { warning } : {}),
    ...(outcome.notice === undefined ? {} : { notice: outcome.notice }),
  });
  if (cancelled) return finish(draft, message_id, 'cancelled', deciding);
  if (end.kind === 'failed') {
    const { content, deltas } = outcome;
    return failOver(draft, turn, end.error, { text: content.length, deltas: deltas.length }, deciding);
  }
  if (asks) return tools(draft, turn, outcome.tool_calls, deciding);
  finish(draft, message_id, end.finish === 'tool_calls' ? 'stop' : end.finish, deciding);
}

/** What listeners have been shown of a reply. */
interface Shown {
  /** Characters of text. */
  readonly text: number;
  readonly deltas: number;
}

const NOT_SHOWN: Shown = { text: 0, deltas: 0 };

/** A model could not answer: the next one that may is asked, each once in a turn; the turn fails when none is left. */
function failOver(draft: Draft, turn: TurnState, error: Failure, shown: Shown, deciding: Deciding): void {
  const { policy } = deciding;
  const workspace_id = draft.state.facts?.workspace_id ?? '';
  let why = error;
  let left = shown;
  for (let at = draft.state.turn; at !== null && at.turn_id === turn.turn_id; at = draft.state.turn) {
    if (!anotherMayAnswer(why, at)) return fail(draft, why, deciding);
    const failed = failedModel(at.model, why);
    const model = nextCandidate(at, failed, policy.failover(workspace_id));
    if (model === undefined) return fail(draft, noneLeft(at, failed), deciding);
    const kept = at.cursor.text.length - left.text;
    draft.add({ type: 'model_replaced', turn_id: at.turn_id, failed, model, restarted: left.deltas > 0, kept });
    left = NOT_SHOWN;
    const refused = overSessionBudget(draft.state, deciding);
    if (refused === null) return callOrReserve(draft, deciding);
    why = refused;
  }
}

/** The model wants tools: within the budgets they run, past a turn's rounds the turn fails, never a silent success. */
function tools(draft: Draft, turn: TurnState, calls: readonly ToolCall[], deciding: Deciding): void {
  const { policy } = deciding;
  if (turn.tool_rounds >= policy.max_tool_iterations) {
    const most = policy.max_tool_iterations;
    return fail(
      draft,
      failure('tool_loop_limit', `The model asked for tools ${most + 1} times in one turn; ${most} are allowed.`),
      deciding,
    );
  }
  draft.add({ type: 'tool_called', turn_id: turn.turn_id, calls });
  const left = Math.min(
    policy.max_tool_calls_per_turn - turn.tool_calls,
    policy.max_tool_calls_per_session - (draft.state.tool_calls - calls.length),
  );
  for (const call of calls.slice(Math.max(0, left))) {
    toolReturned(
      draft,
      turn,
      unmade(call, 'tool_denied: the limit of tool calls is used up. Answer with what is known.'),
      deciding,
    );
  }
  if (nextStep(draft.state) === 'reserve') callOrReserve(draft, deciding);
}

function toolReturned(draft: Draft, turn: TurnState, result: ToolResult, deciding: Deciding): void {
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

/** Begins the next waiting turn; one that fails before it begins makes room for the one after it. */
function startNext(draft: Draft, deciding: Deciding): void {
  const { policy, now } = deciding;
  for (
    let message = draft.state.waiting[0];
    message !== undefined && draft.state.turn === null;
    message = draft.state.waiting[0]
  ) {
    const { facts } = draft.state;
    if (facts === null) return;
    const model = policy.route({ requested: message.model, session: facts.model, workspace_id: facts.workspace_id });
    draft.add({
      type: 'turn_started',
      turn_id: message.turn_id,
      message_ids: [message.message_id],
      model: typeof model === 'string' ? model : message.model,
      queued_ms: Math.max(0, now - message.at),
      ...(message.flagged === undefined ? {} : { warning: flaggedInput(message.flagged) }),
    });
    if (typeof model === 'string') callOrReserve(draft, deciding);
    else failAlone(draft, model);
  }
}

/** The next model call: journaled at once when only the session's own budget matters, else after the reservation. */
function callOrReserve(draft: Draft, deciding: Deciding): void {
  const { turn, facts } = draft.state;
  if (turn === null || facts === null) return;
  const { policy } = deciding;
  const refused = overSessionBudget(draft.state, deciding);
  if (refused !== null) return fail(draft, refused, deciding);
  if (policy.budgets(turn.model, facts.workspace_id).length > 0) return;
  const most = policy.estimate(draft.state);
  called(draft, turn, most.tokens, most.cost_usd);
}

/** Why the session's own budget does not cover the next call; null when it does. */
function overSessionBudget(state: SessionState, { policy }: Deciding): Failure | null {
  const max = policy.per_session_tokens(state.facts?.workspace_id ?? '');
  if (max <= 0) return null;
  const most = policy.estimate(state);
  const used = state.used_tokens;
  if (used + most.tokens <= max) return null;
  const text = `The session's budget of ${max} tokens does not cover this call: ${used} are used and it may need ${most.tokens}; a session's budget does not reset.`;
  return failure('budget_exceeded', text, { limit: 'per_session_tokens', used, max, resets_at: null });
}

function called(draft: Draft, turn: TurnState, tokens: number, cost_usd: number): void {
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
function conclude(draft: Draft, deciding: Deciding): void {
  const { turn } = draft.state;
  if (turn === null) return;
  for (const { call, returned } of turn.tools) {
    if (returned) continue;
    toolReturned(draft, turn, unmade(call, 'The call was cancelled.'), deciding);
  }
  finish(draft, deciding.uuid(), 'cancelled', deciding);
}

function finish(draft: Draft, reply_id: string, reason: FinishReason, deciding: Deciding): void {
  const { turn } = draft.state;
  if (turn === null) return;
  draft.add(finished(turn.turn_id, reply_id, reason, turn.cursor.text, turn.usage));
  startNext(draft, deciding);
}

function finished(
  turn_id: string,
  reply_id: string,
  finish_reason: FinishReason,
  content: string,
  usage: Usage,
): SessionRecord {
  return { type: 'turn_finished', turn_id, reply_id, finish_reason, content, usage };
}

function fail(draft: Draft, error: Failure, deciding: Deciding): void {
  failAlone(draft, error);
  startNext(draft, deciding);
}

function failAlone(draft: Draft, error: Failure): void {
  const { turn } = draft.state;
  if (turn === null) return;
  draft.add({
    type: 'turn_failed',
    turn_id: turn.turn_id,
    code: error.code,
    message: error.message,
    usage: turn.usage,
  });
}
