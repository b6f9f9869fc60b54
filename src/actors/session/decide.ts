// SPDX-License-Identifier: Apache-2.0
// What a session decides: from its state and something that happened, the records to write. Pure; the lane writes them and acts after.

import { anotherMayAnswer, failedModel, nextCandidate, noneLeft, replacementWarning } from '../../agent/call.ts';
import { processCalls } from '../../agent/process.ts';
import { type Failure, failure } from '../../errors.ts';
import type { DeltaLengths, FinishReason, ToolCall, Usage, Warning } from '../../stores/records.ts';
import {
  answersFor,
  isAsked,
  type RunningTool,
  type SessionState,
  type TurnState,
} from '../../stores/session-state.ts';
import { INTERRUPTED } from '../../stores/tool-use.ts';
import { firstEventAfterResume } from '../../stores/turn-events.ts';
import { refuse, requestApproval } from './approvals.ts';
import { type Deciding, type Decision, Draft, decided } from './draft.ts';
import type { ReservedCall } from './first-call.ts';
import { nextStep } from './next-step.ts';
import type { Deliver } from './protocol.ts';
import { queueOf } from './queue-modes.ts';
import { type ToolResult, toolReturned, unmade } from './tool-result.ts';
import {
  called,
  callOrReserve,
  cancelWaiting,
  conclude,
  fail,
  finish,
  overSessionBudget,
  startNext,
} from './turn-course.ts';

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

/**
 * Takes a message in: opens the session if need be, queues the message, begins its turn when nothing runs.
 *
 * @param reserved what the budgets have granted to its turn's first call
 */
export function decideReceive(
  state: SessionState,
  session_id: string,
  message: Scanned,
  turn_id: string,
  digest: string,
  deciding: Deciding,
  reserved?: ReservedCall,
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
    ...queueOf(message, state.turn),
    ...(message.hops === undefined ? {} : { hops: message.hops }),
    ...(message.attachments === undefined ? {} : { attachments: message.attachments }),
    ...(message.reply_to === undefined ? {} : { reply_to: message.reply_to }),
  });
  const { turn } = draft.state;
  if (turn === null) {
    startNext(draft, deciding);
    if (reserved !== undefined) callReserved(draft, turn_id, reserved);
  } else if (message.queue === 'interrupt' && !turn.cancelled) {
    draft.add({ type: 'cancel_requested', turn_id: turn.turn_id, by: message.user_id });
  }
  return decided(draft);
}

/** Makes the first call with what was reserved for it, if it is still the one that comes next. */
function callReserved(draft: Draft, turn_id: string, { model, tokens, cost_usd }: ReservedCall): void {
  const { turn } = draft.state;
  if (turn?.turn_id !== turn_id || turn.model !== model || nextStep(draft.state) !== 'reserve') return;
  called(draft, turn, tokens, cost_usd);
}

/** Stops the running turn, or drops a waiting one; null when the turn is neither. */
export function decideCancel(state: SessionState, asked: string, by: string, deciding: Deciding): Decision | null {
  const draft = new Draft(state, deciding);
  const { turn } = state;
  const turn_id = turn !== null && answersFor(turn, asked) ? turn.turn_id : asked;
  if (turn?.turn_id === turn_id) {
    if (!turn.cancelled) draft.add({ type: 'cancel_requested', turn_id, by });
    return decided(draft);
  }
  const message = state.waiting.find((waiting) => waiting.turn_id === turn_id);
  if (message === undefined) return null;
  draft.add({ type: 'cancel_requested', turn_id, by });
  cancelWaiting(draft, message, deciding);
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
  // It only waited for a person, and waits on: nothing of it was interrupted, and nobody has seen anything that is not durable.
  if (nextStep(state) === 'approval') return decided(draft);
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
    for (const tool of turn.tools) resumeCall(draft, turn, tool, deciding);
    if (nextStep(draft.state) === 'reserve') callOrReserve(draft, deciding);
  }
  return decided(draft);
}

/** What becomes of a call that may have been running. */
function resumeCall(draft: Draft, turn: TurnState, tool: RunningTool, deciding: Deciding): void {
  const { call, returned, approval } = tool;
  const { policy } = deciding;
  if (returned || isAsked(tool)) return;
  if (approval !== undefined && approval.decision !== 'approve') return refuse(draft, tool, deciding);
  if (!policy.idempotent(call.name)) {
    const why = 'The call was interrupted: whether it took effect is unknown. It was not repeated.';
    return toolReturned(draft, turn, unmade(call, why, INTERRUPTED), deciding);
  }
  // It is made again; what nobody has allowed is asked for first.
  const reason = approval === undefined ? policy.approval(draft.state, call) : null;
  if (reason !== null) requestApproval(draft, call, reason, deciding);
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
      // Others of its reply may have been allowed meanwhile, or still wait for that.
      else if (nextStep(draft.state) === 'reserve') callOrReserve(draft, deciding);
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
  for (const step of processCalls(calls, { left, asks: (call) => policy.approval(draft.state, call) })) {
    if (step.do === 'refuse') toolReturned(draft, turn, unmade(step.call, step.why), deciding);
    else if (step.do === 'ask') requestApproval(draft, step.call, step.reason, deciding);
  }
  if (nextStep(draft.state) === 'reserve') callOrReserve(draft, deciding);
}
