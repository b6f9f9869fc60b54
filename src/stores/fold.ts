// SPDX-License-Identifier: Apache-2.0
// The fold: a session's state is what its records add up to, alive and after a crash. `evolve` is the only way it changes.

import { type ImageAttachment, imagesOf, messageText } from './attachments.ts';
import { outgoing, routeOf } from './outbox.ts';
import type {
  ApprovalDecided,
  ApprovalRequested,
  Compacted,
  MessageAdded,
  MessageBlocked,
  MessageCollected,
  MessageReceived,
  MessageSteered,
  ModelReplaced,
  SessionChanged,
  SessionRecord,
  TurnFailed,
  TurnFinished,
  TurnStarted,
} from './records.ts';
import {
  addUsage,
  BETWEEN_TEXTS,
  type CallApproval,
  emptySession,
  isAsked,
  type KnownKey,
  NO_MESSAGES,
  NO_USAGE,
  NONE_STEERED,
  type Replaced,
  type SessionFacts,
  type SessionState,
  type SessionSummary,
  type TurnState,
  textsOf,
  tokensOf,
  turnImages,
  type WaitingMessage,
  type WindowMessage,
  waitingSize,
} from './session-state.ts';
import { withUse } from './tool-use.ts';
import { cursorAfter, type EventCursor, NO_EVENTS } from './turn-events.ts';

/** Keys a session remembers at least, however old. */
export const KEYS_KEPT = 1_024;
/** Keys a session remembers at most, however young. */
export const KEYS_MOST = 16_384;
/** How long a key is remembered, in milliseconds. */
export const KEYS_AGE = 24 * 60 * 60 * 1_000;
/** Characters the window keeps at most; older messages leave first. */
export const WINDOW_SIZE = 524_288;

/** A person's message as the window keeps it. */
function said(content: string, images: readonly ImageAttachment[]): WindowMessage {
  return images.length === 0 ? { role: 'user', content } : { role: 'user', content, images };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * The state after one more record.
 *
 * @param at when the record was written, epoch milliseconds
 * @param window how many messages the active window keeps
 */
export function evolve(state: SessionState, record: SessionRecord, at: number, window: number): SessionState {
  if (record.type === 'checkpoint') return { ...state, since_checkpoint: 0 };
  const since_checkpoint = state.since_checkpoint + 1;
  const next: Mutable<SessionState> = step(state, record, at, window);
  if (next === state) return { ...state, since_checkpoint };
  // It was made just now and nobody else has it: no second copy.
  next.since_checkpoint = since_checkpoint;
  return next;
}

function step(
  state: SessionState,
  record: Exclude<SessionRecord, { type: 'checkpoint' }>,
  at: number,
  window: number,
): SessionState {
  switch (record.type) {
    case 'session_created':
      return {
        ...state,
        facts: {
          session_id: record.session_id,
          workspace_id: record.workspace_id,
          user_id: record.user_id,
          channel: record.channel,
          title: '',
          model: '',
          status: 'active',
        },
      };
    case 'session_changed':
      return state.facts === null ? state : { ...state, facts: { ...state.facts, ...changed(record) } };
    case 'session_deleted':
      return emptySession();
    case 'session_superseded':
      return { ...state, superseded: { next: record.next, generation: record.generation } };
    case 'compacted':
      return { ...state, summary: summaryOf(record) };
    case 'summary_erased':
      return { ...state, summary: null };
    case 'message_added':
      return added(state, record, window);
    case 'message_received':
      return received(state, record, at);
    case 'message_blocked':
      return { ...state, keys_forgotten: blocked(state, record, at) };
    case 'message_collected':
      return collected(state, record);
    case 'message_steered':
      return steered(state, record);
    case 'cancel_requested':
      return cancelled(state, record.turn_id);
    case 'turn_started':
      return started(state, record, at);
    case 'turn_finished':
    case 'turn_failed':
      return owing(ended(state, record, window), record, at);
    case 'reply_handed':
    case 'reply_lost':
      return { ...state, outbox: state.outbox.filter(({ key }) => key !== record.key) };
    default:
      break;
  }
  const { turn } = state;
  if (turn === null || turn.turn_id !== record.turn_id) return state;
  const cursor = cursorAfter(record, turn.cursor);
  switch (record.type) {
    case 'turn_resumed':
      return {
        ...state,
        used_tokens: state.used_tokens + record.settled_tokens,
        turn: { ...turn, cursor, attempt: record.attempt, open_call: null },
      };
    case 'model_called':
      return { ...state, turn: { ...turn, open_call: record, calls: record.call } };
    case 'model_replaced':
      return { ...state, turn: replaced(turn, record, cursor) };
    case 'model_replied': {
      const asks = record.tool_calls.length > 0;
      const said: WindowMessage | null =
        record.finish === 'failed' || (record.content === '' && !asks)
          ? null
          : asks
            ? { role: 'assistant', content: record.content, tool_calls: record.tool_calls }
            : { role: 'assistant', content: record.content };
      return {
        ...state,
        used_tokens: state.used_tokens + tokensOf(record.usage),
        turn: {
          ...turn,
          cursor,
          attempt: 0,
          open_call: null,
          replaced: record.warning === undefined ? turn.replaced : announced(turn.replaced),
          tools: [],
          usage: addUsage(turn.usage, record.usage),
          tool_rounds: turn.tool_rounds + (asks ? 1 : 0),
          said: said === null ? turn.said : [...turn.said, said],
        },
      };
    }
    case 'tool_called':
      return {
        ...state,
        tool_calls: state.tool_calls + record.calls.length,
        turn: {
          ...turn,
          cursor,
          tools: record.calls.map((call) => ({ call, returned: false })),
          tool_calls: turn.tool_calls + record.calls.length,
        },
      };
    case 'tool_returned':
      return {
        ...state,
        turn: {
          ...turn,
          cursor,
          tools: turn.tools.map((tool) => (tool.call.id === record.call_id ? { ...tool, returned: true } : tool)),
          said: [
            ...turn.said,
            { role: 'tool', content: record.content, tool_call_id: record.call_id, tool_name: record.name },
          ],
          ...(record.permission === undefined ? {} : { used: withUse(turn.used, record.name, record.permission) }),
        },
      };
    case 'approval_requested':
      return owing({ ...state, turn: asked(turn, record, cursor, at) }, record, at);
    case 'approval_decided':
      return { ...state, turn: answered(turn, record, at) };
    default:
      return record satisfies never;
  }
}

/** What a record says is to be told on a channel. */
function owing(state: SessionState, record: TurnFinished | TurnFailed | ApprovalRequested, at: number): SessionState {
  const part = record.outbox === undefined ? null : outgoing(record, at);
  return part === null ? state : { ...state, outbox: [...state.outbox, part] };
}

function asked(turn: TurnState, record: ApprovalRequested, cursor: EventCursor, at: number): TurnState {
  const { id, call_id, expires_at } = record;
  const approval: CallApproval = { id, expires_at, decision: null, by: '' };
  const tools = turn.tools.map((tool) => (tool.call.id === call_id ? { ...tool, approval } : tool));
  return { ...turn, cursor, tools, waited: { since: turn.waited?.since ?? at, ms: turn.waited?.ms ?? 0 } };
}

function answered(turn: TurnState, { id, decision, by }: ApprovalDecided, at: number): TurnState {
  const tools = turn.tools.map((tool) =>
    tool.approval?.id === id ? { ...tool, approval: { ...tool.approval, decision, by } } : tool,
  );
  const { since, ms } = turn.waited ?? { since: null, ms: 0 };
  const waited =
    since === null || tools.some(isAsked) ? turn.waited : { since: null, ms: ms + Math.max(0, at - since) };
  return { ...turn, tools, waited };
}

function replaced(turn: TurnState, record: ModelReplaced, cursor: EventCursor): TurnState {
  const before = turn.replaced;
  const failed = [...(before?.failed ?? []), record.failed];
  return {
    ...turn,
    cursor,
    model: record.model,
    replaced: { asked: before?.asked ?? turn.model, failed, announced: false },
  };
}

function announced(before: Replaced | null): Replaced | null {
  return before === null ? null : { ...before, announced: true };
}

function changed(record: SessionChanged): Partial<SessionFacts> {
  return {
    ...(record.title === undefined ? {} : { title: record.title }),
    ...(record.model === undefined ? {} : { model: record.model }),
    ...(record.status === undefined ? {} : { status: record.status }),
  };
}

function summaryOf({ type: _, ...summary }: Compacted): SessionSummary {
  return summary;
}

/** A message that was put in is shown to the model as if it had been said; a system's is not. */
function added(state: SessionState, record: MessageAdded, window: number): SessionState {
  const { role, content, tool_calls, tool_call_id, tool_name } = record;
  if (role === 'system') return state;
  const message: WindowMessage = {
    role,
    content,
    ...(tool_calls.length === 0 ? {} : { tool_calls }),
    ...(tool_call_id === null ? {} : { tool_call_id }),
    ...(tool_name === null ? {} : { tool_name }),
  };
  return { ...state, window: trimWindow([...state.window, message], window) };
}

/** Remembers what a key stands for; whether one was ever forgotten for another. */
function remember({ keys, keys_forgotten }: SessionState, message_id: string, known: KnownKey): boolean {
  const { at } = known;
  keys.set(message_id, known);
  let forgotten = keys_forgotten;
  for (const [key, old] of keys) {
    if (keys.size <= KEYS_KEPT || (keys.size <= KEYS_MOST && old.at > at - KEYS_AGE)) break;
    keys.delete(key);
    forgotten = true;
  }
  return forgotten;
}

/** The state with so many of its newest keys: whoever asks for an older one is to ask the view. */
export function withoutOldKeys(state: SessionState, left: number): SessionState {
  const { keys } = state;
  for (const key of keys.keys()) {
    if (keys.size <= left) break;
    keys.delete(key);
  }
  return state.keys_forgotten ? state : { ...state, keys_forgotten: true };
}

function blocked(state: SessionState, { message_id, digest, rules }: MessageBlocked, at: number): boolean {
  return remember(state, message_id, { turn_id: '', digest, at, blocked: rules });
}

function received(state: SessionState, record: MessageReceived, at: number): SessionState {
  const { message_id, turn_id, user_id, channel, content, model, digest, flagged, queue, attachments, hops, reply_to } =
    record;
  const message: WaitingMessage = {
    ...{ message_id, turn_id, user_id, channel, content, model, at },
    ...(flagged === undefined ? {} : { flagged }),
    ...(queue === undefined ? {} : queued(state, queue)),
    ...(attachments === undefined ? {} : { attachments }),
    ...(hops === undefined ? {} : { hops }),
    ...(reply_to === undefined ? {} : { reply_to }),
  };
  return {
    ...state,
    keys_forgotten: remember(state, message_id, { turn_id, digest, at }),
    waiting: [...state.waiting, message],
    waiting_size: state.waiting_size + waitingSize(message),
  };
}

function queued({ turn }: SessionState, queue: 'collect' | 'steer'): Pick<WaitingMessage, 'collect' | 'steers'> {
  if (queue === 'collect') return { collect: true };
  return turn === null ? {} : { steers: turn.turn_id };
}

function cancelled(state: SessionState, turn_id: string): SessionState {
  const { turn } = state;
  if (turn?.turn_id === turn_id) return { ...state, turn: { ...turn, cancelled: true } };
  if (state.waiting.every((message) => message.turn_id !== turn_id)) return state;
  const waiting = state.waiting.map((message) =>
    message.turn_id === turn_id ? { ...message, cancelled: true as const } : message,
  );
  return { ...state, waiting };
}

/** It waits on until its turn starts: between the two an interruption loses nothing. */
function collected(state: SessionState, { message_id, turn_id }: MessageCollected): SessionState {
  const waiting = state.waiting.map((message) =>
    message.message_id === message_id ? { ...message, answered_by: turn_id } : message,
  );
  return { ...state, waiting };
}

function steered(state: SessionState, { message_id, turn_id, waited_as }: MessageSteered): SessionState {
  const message = state.waiting.find((waiting) => waiting.message_id === message_id);
  if (message === undefined) return state;
  const { turn } = state;
  const left = { ...state, ...without(state, waited_as) };
  // One that comes from an export may lie beside a turn that runs.
  if (turn === null || turn.turn_id !== turn_id) return left;
  return {
    ...left,
    turn: {
      ...turn,
      steered: [...turn.steered, { message_id, turn_id: waited_as, route: routeOf(message) }],
      said: [...turn.said, said(messageText(message.content, message.attachments), imagesOf(message.attachments))],
    },
  };
}

function started(state: SessionState, record: TurnStarted, at: number): SessionState {
  const message = state.waiting.find((waiting) => waiting.turn_id === record.turn_id);
  // A queued turn that is cancelled is started and ended in one breath, beside the one that runs.
  if (message === undefined || state.turn !== null || state.facts === null) return state;
  return {
    ...state,
    ...without(state, record.turn_id),
    turn: {
      turn_id: record.turn_id,
      message,
      collected:
        record.message_ids.length < 2 ? NO_MESSAGES : state.waiting.filter((one) => one.answered_by === record.turn_id),
      steered: NONE_STEERED,
      model: record.model,
      replaced: null,
      started_at: at,
      attempt: 0,
      calls: 0,
      open_call: null,
      tools: [],
      tool_rounds: 0,
      tool_calls: 0,
      said: [],
      cursor: cursorAfter(record, NO_EVENTS),
      usage: NO_USAGE,
      cancelled: false,
      waited: null,
    },
  };
}

const NONE_WAITING = { waiting: NO_MESSAGES, waiting_size: 0 } as const;

function without(state: SessionState, turn_id: string): Pick<SessionState, 'waiting' | 'waiting_size'> {
  const waiting = state.waiting.filter((message) => message.turn_id !== turn_id && message.answered_by !== turn_id);
  if (waiting.length === 0) return NONE_WAITING;
  return { waiting, waiting_size: waiting.reduce((size, message) => size + waitingSize(message), 0) };
}

function ended(state: SessionState, record: TurnFinished | TurnFailed, window: number): SessionState {
  const { turn } = state;
  if (turn === null || turn.turn_id !== record.turn_id) return { ...state, ...without(state, record.turn_id) };
  // What failed is not shown to a model again: it may be the very thing that fails.
  if (record.type === 'turn_failed') return { ...state, turn: null };
  return {
    ...state,
    turn: null,
    window: trimWindow(
      [...state.window, said(textsOf(turn).join(BETWEEN_TEXTS), turnImages(turn)), ...turn.said],
      window,
    ),
  };
}

/** The newest `most` messages within {@link WINDOW_SIZE}, never beginning with a tool's result whose call was cut off. */
export function trimWindow(messages: readonly WindowMessage[], most: number): readonly WindowMessage[] {
  let from = messages.length;
  let size = 0;
  while (from > 0 && messages.length - from < most) {
    const message = messages[from - 1];
    if (message === undefined) break;
    size += message.content.length;
    if (size > WINDOW_SIZE) break;
    from -= 1;
  }
  while (messages[from]?.role === 'tool') from += 1;
  return from === 0 ? messages : messages.slice(from);
}
