// SPDX-License-Identifier: Apache-2.0
// What a session is at one moment: its facts, what waits, the turn that runs, its window; and what can be read off that.

import { type Attachment, attachmentsSize, type ImageAttachment, imagesOf, messageText } from './attachments.ts';
import type { Outgoing } from './outbox.ts';
import type {
  ApprovalDecision,
  Compacted,
  FailedModel,
  MessageReceived,
  ModelCalled,
  SessionStatus,
  ToolCall,
  Usage,
} from './records.ts';
import type { ReplyRoute, ReplyTo } from './reply-to.ts';
import type { ToolUse } from './tool-use.ts';
import type { EventCursor, TurnPlace } from './turn-events.ts';

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
  /** The senders' keys of the last day (a number of them at least, however old), oldest first. */
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

/** Nothing, the same for all that have nothing. */
export const NONE_OUTGOING: readonly Outgoing[] = [];
export const NO_MESSAGES: readonly WaitingMessage[] = [];
export const NONE_STEERED: readonly SteeredMessage[] = [];

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
