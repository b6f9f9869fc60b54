// SPDX-License-Identifier: Apache-2.0
// The fold: a session's state is what its records add up to, alive and after a crash. `evolve` is the only way it changes.

import { type Attachment, attachmentsSize, type ImageAttachment, imagesOf, messageText } from './attachments.ts';
import { type Outgoing, outgoing, routeOf } from './outbox.ts';
import type {
  ApprovalDecided,
  ApprovalDecision,
  ApprovalRequested,
  Compacted,
  FailedModel,
  MessageAdded,
  MessageBlocked,
  MessageCollected,
  MessageReceived,
  MessageSteered,
  ModelCalled,
  ModelReplaced,
  SessionChanged,
  SessionRecord,
  SessionStatus,
  ToolCall,
  TurnFailed,
  TurnFinished,
  TurnStarted,
  Usage,
} from './records.ts';
import type { ReplyRoute, ReplyTo } from './reply-to.ts';
import { type ToolUse, withUse } from './tool-use.ts';
import { cursorAfter, type EventCursor, NO_EVENTS, type TurnPlace } from './turn-events.ts';

/** A message of the active window, or of the running turn, as a model is shown it. */
export interface WindowMessage {
  readonly role: 'user' | 'assistant' | 'tool';
  readonly content: string;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
  readonly tool_name?: string;
  /** Of a person's message. */
  readonly images?: readonly ImageAttachment[];
}

/** A message that is durable and whose turn has not begun. */
export interface WaitingMessage {
  readonly message_id: string;
  readonly turn_id: string;
  readonly user_id: string;
  readonly channel: string;
  readonly content: string;
  readonly model: string;
  /** See {@link MessageReceived.hops}. */
  readonly hops?: number;
  /** See {@link MessageReceived.attachments}. */
  readonly attachments?: readonly Attachment[];
  /** When it was received, epoch milliseconds. */
  readonly at: number;
  /** See {@link MessageReceived.flagged}. */
  readonly flagged?: readonly string[];
  /** It may become one turn with others like it. */
  readonly collect?: true;
  /** The turn it is to be handed to before its next model call. */
  readonly steers?: string;
  /** The turn that has collected it and is about to start. */
  readonly answered_by?: string;
  /** It was cancelled while it waited, and its turn is still to be ended. */
  readonly cancelled?: true;
  /** See {@link MessageReceived.reply_to}. */
  readonly reply_to?: ReplyTo;
}

/** A message handed to a turn that ran. */
export interface SteeredMessage {
  readonly message_id: string;
  /** The turn it had waited for. */
  readonly turn_id: string;
  /** Where it is answered; null where its sender follows the turn. Absent in what was written before there were chat channels. */
  readonly route?: ReplyRoute | null;
}

export interface RunningTool {
  readonly call: ToolCall;
  /** Whether its result is journaled. */
  readonly returned: boolean;
  /** Absent where nobody need be asked. */
  readonly approval?: CallApproval;
}

/** That a person is asked before a call runs, and what they said. */
export interface CallApproval {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly expires_at: number;
  /** Null while nobody has answered. */
  readonly decision: ApprovalDecision | null;
  readonly by: string;
}

/** How long a turn has waited for people. */
export interface Waited {
  /** Since when it waits now, epoch milliseconds; null: it does not. */
  readonly since: number | null;
  /** How long it did before, in milliseconds. */
  readonly ms: number;
}

/** Whether a call waits for a person's answer. */
export function isAsked({ returned, approval }: RunningTool): boolean {
  return !returned && approval !== undefined && approval.decision === null;
}

/** That the model a turn was to be answered by could not, and others were asked. */
export interface Replaced {
  /** The model that was asked for. */
  readonly asked: string;
  /** Those that were tried, in their order. */
  readonly failed: readonly FailedModel[];
  /** Whether listeners know of the model that answers now. */
  readonly announced: boolean;
}

/** The turn that runs: everything needed to take its next step after a crash. */
export interface TurnState {
  readonly turn_id: string;
  readonly message: WaitingMessage;
  /** What it answers besides: messages that were collected, in their order. */
  readonly collected: readonly WaitingMessage[];
  /** What it was handed while it ran; the texts are among {@link said}. */
  readonly steered: readonly SteeredMessage[];
  /** The model that answers. */
  readonly model: string;
  /** Null while that is the one that was asked for. */
  readonly replaced: Replaced | null;
  /** Epoch milliseconds; its deadline counts from here. */
  readonly started_at: number;
  /** How often it was resumed since it last got further. */
  readonly attempt: number;
  /** Model calls so far. */
  readonly calls: number;
  /** The model call that is journaled and not answered. */
  readonly open_call: ModelCalled | null;
  /** The tool calls of the newest reply. */
  readonly tools: readonly RunningTool[];
  /** Replies so far that asked for tools. */
  readonly tool_rounds: number;
  readonly tool_calls: number;
  /** What it said and was told so far, after the message itself. */
  readonly said: readonly WindowMessage[];
  readonly cursor: EventCursor;
  readonly usage: Usage;
  readonly cancelled: boolean;
  /** What it has done with tools, for the audit; absent while it has not. */
  readonly used?: readonly ToolUse[];
  /** Null while no person was asked anything. */
  readonly waited: Waited | null;
}

/** What a key stands for. */
export interface KnownKey {
  /** Empty for a message that was refused. */
  readonly turn_id: string;
  readonly digest: string;
  readonly at: number;
  /** Ids of the rules that refused it. */
  readonly blocked?: readonly string[];
}

export interface SessionFacts {
  readonly session_id: string;
  readonly workspace_id: string;
  readonly user_id: string;
  readonly channel: string;
  readonly title: string;
  readonly model: string;
  readonly status: SessionStatus;
}

export type SessionSummary = Omit<Compacted, 'type'>;

/** A session's folded state. Immutable but for `keys`, which only grows along the one line of states that is alive. */
export interface SessionState {
  /** Null until the session was created. */
  readonly facts: SessionFacts | null;
  readonly waiting: readonly WaitingMessage[];
  /** Characters waiting: what was said and what is shown of attachments. */
  readonly waiting_size: number;
  readonly turn: TurnState | null;
  readonly window: readonly WindowMessage[];
  /** The newest summary of what left the window; null when there is none. */
  readonly summary: SessionSummary | null;
  /** The senders' keys of the last day (at least {@link KEYS_KEPT}), oldest first. */
  readonly keys: Map<string, KnownKey>;
  /** Whether a key was ever forgotten: then an unknown one may still be old, and the view is asked. */
  readonly keys_forgotten: boolean;
  readonly used_tokens: number;
  readonly tool_calls: number;
  /** What chat channels are still to be told, oldest first. */
  readonly outbox: readonly Outgoing[];
  /** What stands for its conversation since somebody began anew; absent: it does itself. */
  readonly superseded?: { readonly next: string; readonly generation: number };
  /** Records since the last checkpoint. */
  readonly since_checkpoint: number;
}

/** Keys a session remembers at least, however old. */
export const KEYS_KEPT = 1_024;
/** Keys a session remembers at most, however young. */
export const KEYS_MOST = 16_384;
/** How long a key is remembered, in milliseconds. */
export const KEYS_AGE = 24 * 60 * 60 * 1_000;
/** Characters the window keeps at most; older messages leave first. */
export const WINDOW_SIZE = 524_288;

export const NO_USAGE: Usage = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
  cost_usd: 0,
};

export function emptySession(): SessionState {
  return {
    facts: null,
    waiting: [],
    waiting_size: 0,
    turn: null,
    window: [],
    summary: null,
    keys: new Map(),
    keys_forgotten: false,
    used_tokens: 0,
    tool_calls: 0,
    outbox: NONE_OUTGOING,
    since_checkpoint: 0,
  };
}

const NONE_OUTGOING: readonly Outgoing[] = [];

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    input_tokens: a.input_tokens + b.input_tokens,
    output_tokens: a.output_tokens + b.output_tokens,
    cache_read_tokens: a.cache_read_tokens + b.cache_read_tokens,
    cache_write_tokens: a.cache_write_tokens + b.cache_write_tokens,
    cost_usd: a.cost_usd + b.cost_usd,
  };
}

export function tokensOf(usage: Usage): number {
  return usage.input_tokens + usage.output_tokens + usage.cache_read_tokens + usage.cache_write_tokens;
}

/** What a turn answers, as texts: what was said, with what its attachments say. */
export function textsOf({ message, collected }: Pick<TurnState, 'message' | 'collected'>): readonly string[] {
  if (collected.length === 0) return [messageText(message.content, message.attachments)];
  return [message, ...collected].map(({ content, attachments }) => messageText(content, attachments));
}

/** The images of what a turn answers. */
export function turnImages({
  message,
  collected,
}: Pick<TurnState, 'message' | 'collected'>): readonly ImageAttachment[] {
  if (collected.length === 0) return imagesOf(message.attachments);
  return [message, ...collected].flatMap(({ attachments }) => imagesOf(attachments));
}

/** A person's message as the window keeps it. */
function said(content: string, images: readonly ImageAttachment[]): WindowMessage {
  return images.length === 0 ? { role: 'user', content } : { role: 'user', content, images };
}

/** Characters a waiting message holds. */
export function waitingSize({ content, attachments }: Pick<WaitingMessage, 'content' | 'attachments'>): number {
  return content.length + attachmentsSize(attachments);
}

/** What stands between the texts of messages that are answered together. */
export const BETWEEN_TEXTS = '\n\n';

/** Whether a turn answers what waited for another. */
export function answersFor({ collected, steered }: TurnState, turn_id: string): boolean {
  return collected.some((one) => one.turn_id === turn_id) || steered.some((one) => one.turn_id === turn_id);
}

/** Where a session's turn events belong. */
export function placeOf(facts: SessionFacts): TurnPlace {
  return { session_id: facts.session_id, workspace_id: facts.workspace_id };
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

const NO_MESSAGES: readonly WaitingMessage[] = [];
const NONE_STEERED: readonly SteeredMessage[] = [];
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

/** What a turn of a checkpoint may lack that was written before turns had it. */
type Later = 'replaced' | 'collected' | 'steered' | 'waited';
type PackedTurn = Omit<TurnState, Later> & Partial<Pick<TurnState, Later>>;

function unpackTurn(turn: PackedTurn): TurnState {
  const { replaced = null, collected = NO_MESSAGES, steered = NONE_STEERED, waited = null } = turn;
  return { ...turn, replaced, collected, steered, waited };
}

/** A checkpoint's form of a state: plain JSON. */
export interface PackedSession {
  readonly state: Omit<SessionState, 'keys' | 'turn' | 'summary' | 'outbox'> & {
    readonly summary?: SessionSummary | null;
    readonly outbox?: readonly Outgoing[];
    readonly keys: readonly (readonly [string, KnownKey])[];
    readonly turn: PackedTurn | null;
  };
  /** Seqs of the open turns' messages, and of what channels are owed under the name of the part. A negative number counts back from the checkpoint's own row. */
  readonly owed: readonly (readonly [turn_id: string, seq: number])[];
}

export function packSession(state: SessionState, owed: PackedSession['owed']): PackedSession {
  return { state: { ...state, keys: [...state.keys] }, owed };
}

/** @param seq the checkpoint's own row */
export function unpackSession(packed: PackedSession, seq: number): { state: SessionState; owed: Map<string, number> } {
  const { turn } = packed.state;
  return {
    state: {
      ...packed.state,
      // Written before there were summaries.
      summary: packed.state.summary ?? null,
      outbox: packed.state.outbox ?? NONE_OUTGOING,
      turn: turn === null ? null : unpackTurn(turn),
      keys: new Map(packed.state.keys),
      since_checkpoint: 0,
    },
    owed: new Map(packed.owed.map(([turn_id, at]) => [turn_id, at > 0 ? at : seq + at])),
  };
}
