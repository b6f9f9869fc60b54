// SPDX-License-Identifier: Apache-2.0
// What a session's stream may hold: every record type, its version, and how it is written to and read from the journal.

import type { ErrorCode } from '../errors.ts';
import type { Attachment } from './attachments.ts';
import type { ReplyRoute, ReplyTo } from './reply-to.ts';
import type { ToolPermission } from './tool-use.ts';

export type Origin = 'user_input' | 'system' | 'tool_output';
export type FinishReason = 'stop' | 'length' | 'content_filter' | 'cancelled';
export type QueueMode = 'followup' | 'collect' | 'steer' | 'interrupt';

/** Tokens and cost of one model call, or of a whole turn. */
export interface Usage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
  readonly cost_usd: number;
}

/** A tool call as the model asked for it; `arguments` is the JSON text it wrote. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/**
 * How a streamed reply was cut, so that it replays with the same event ids: the length (UTF-16 units) of each delta in
 * order, negative for one of thinking.
 */
export type DeltaLengths = readonly number[];

export interface SessionCreated {
  readonly type: 'session_created';
  readonly session_id: string;
  readonly workspace_id: string;
  readonly user_id: string;
  /** The address of the channel it was opened on. */
  readonly channel: string;
}

export interface MessageReceived {
  readonly type: 'message_received';
  /** The sender's own key for this message, and its id in the session. */
  readonly message_id: string;
  readonly turn_id: string;
  readonly user_id: string;
  readonly channel: string;
  readonly content: string;
  /** What the sender asked for by name; empty: routed. */
  readonly model: string;
  /** Fingerprint of the body, to tell a repetition from another message under the same key. */
  readonly digest: string;
  /** Ids of the scanner's rules it was let through with all the same. */
  readonly flagged?: readonly string[];
  /** What it does beside the turn that runs, where that is more than to wait for one of its own. */
  readonly queue?: 'collect' | 'steer';
  /** It came from another session of its sender: how many it has come through. */
  readonly hops?: number;
  /** The files that came with it. */
  readonly attachments?: readonly Attachment[];
  /** Where on its channel the answer goes, where it came by one that is told. */
  readonly reply_to?: ReplyTo;
}

/** A message that the scanner refused: no turn answers it, no model sees it, and its text is not kept. */
export interface MessageBlocked {
  readonly type: 'message_blocked';
  readonly message_id: string;
  readonly user_id: string;
  readonly channel: string;
  /** As of a message that was received: a repetition is told the same. */
  readonly digest: string;
  /** Ids of the rules that refused it. */
  readonly rules: readonly string[];
}

/** A waiting message becomes part of a turn that is about to start; its own never does. */
export interface MessageCollected {
  readonly type: 'message_collected';
  /** The turn that answers it. */
  readonly turn_id: string;
  readonly message_id: string;
  /** The turn it waited for: whoever asks for that one is led to the one that answers. */
  readonly waited_as: string;
}

/** A waiting message is handed to the turn that runs; its own never starts. */
export interface MessageSteered {
  readonly type: 'message_steered';
  /** The turn that answers it. */
  readonly turn_id: string;
  readonly message_id: string;
  /** The turn it waited for: whoever asks for that one is led to the one that answers. */
  readonly waited_as: string;
  /** The model call that is the first to see it, counted from 1. */
  readonly before_call: number;
}

export interface TurnStarted {
  readonly type: 'turn_started';
  readonly turn_id: string;
  /** The messages it answers: its own, then those collected for it. */
  readonly message_ids: readonly string[];
  readonly model: string;
  readonly queued_ms: number;
  /** What its listeners are warned of first: the scanner flagged what it answers. */
  readonly warning?: Warning;
}

/** An interrupted turn goes on. `first_event` is the number its events continue with: past any that may have been shown. */
export interface TurnResumed {
  readonly type: 'turn_resumed';
  readonly turn_id: string;
  /** How often it was resumed without getting any further, counting this one. */
  readonly attempt: number;
  readonly first_event: number;
  /** What the interrupted model call is settled at: its reservation, because vendors bill it. Zero when none was open. */
  readonly settled_tokens: number;
  readonly settled_usd: number;
}

export interface ModelCalled {
  readonly type: 'model_called';
  readonly turn_id: string;
  /** Counts the calls of a turn from 1. */
  readonly call: number;
  readonly model: string;
  /** Tokens reserved for it: what a call that a crash interrupts is settled at. */
  readonly reserved_tokens: number;
  readonly reserved_usd: number;
}

export interface ModelReplied {
  readonly type: 'model_replied';
  readonly turn_id: string;
  readonly call: number;
  readonly content: string;
  readonly thinking: string;
  readonly tool_calls: readonly ToolCall[];
  readonly usage: Usage;
  /** `tool_calls` when the model waits for results; `failed` when it broke off (a `turn_failed` or another call follows). */
  readonly finish: FinishReason | 'tool_calls' | 'failed';
  readonly deltas: DeltaLengths;
  /** The id of the assistant message this becomes. */
  readonly message_id: string;
  /** What its listeners are warned of before its first delta. */
  readonly warning?: Warning;
  /** What they are told after its last: the scanner found something in it. */
  readonly notice?: Warning;
}

/** Something a listener should know that ends nothing. */
export interface Warning {
  readonly code: string;
  readonly message: string;
}

/** A model could not answer, and another takes its place for the rest of the turn. */
export interface ModelReplaced {
  readonly type: 'model_replaced';
  readonly turn_id: string;
  readonly failed: FailedModel;
  /** The model that takes its place. */
  readonly model: string;
  /** Whether listeners have been shown anything of what the failed model said: they are told to forget it. */
  readonly restarted: boolean;
  /** How many characters of the turn's text stay: those that are not of the failed model's reply. */
  readonly kept: number;
}

/** A model that was tried in a turn, and why it did not answer. */
export interface FailedModel {
  readonly model: string;
  readonly code: ErrorCode;
  readonly message: string;
  /** Whether the rest of its provider need not be asked either. */
  readonly whole_provider: boolean;
}

/** The tool calls of one model reply are about to run. */
export interface ToolCalled {
  readonly type: 'tool_called';
  readonly turn_id: string;
  readonly calls: readonly ToolCall[];
}

export interface ToolReturned {
  readonly type: 'tool_returned';
  readonly turn_id: string;
  readonly call_id: string;
  readonly name: string;
  readonly content: string;
  readonly is_error: boolean;
  readonly truncated: boolean;
  readonly took_ms: number;
  /** The id of the tool message this becomes. */
  readonly message_id: string;
  /** What the enforcer said of the call; absent where it was not asked, for there was no such tool or it was not begun. */
  readonly permission?: ToolPermission;
  /** What listeners are warned of with it: the scanner found something in it. */
  readonly warning?: Warning;
}

/** A tool call does not run before a person has allowed it. */
export interface ApprovalRequested {
  readonly type: 'approval_requested';
  readonly turn_id: string;
  /** What it is answered by. */
  readonly id: string;
  readonly call_id: string;
  readonly tool: string;
  /** The JSON text the model wrote: what is approved. */
  readonly arguments: string;
  /** Why its tool asks; empty: it always does. */
  readonly reason: string;
  /** Whose message the turn answers. */
  readonly user_id: string;
  /** When it counts as denied, epoch milliseconds. */
  readonly expires_at: number;
  /** Where the question is asked. */
  readonly outbox?: ReplyRoute;
}

/** How a request for approval ended: a person's answer, its time was over, or its turn. */
export type ApprovalDecision = 'approve' | 'deny' | 'expired' | 'cancelled';

export interface ApprovalDecided {
  readonly type: 'approval_decided';
  readonly turn_id: string;
  readonly id: string;
  readonly decision: ApprovalDecision;
  /** Who decided; `system` when nobody did. */
  readonly by: string;
}

export interface CancelRequested {
  readonly type: 'cancel_requested';
  readonly turn_id: string;
  readonly by: string;
}

export interface TurnFinished {
  readonly type: 'turn_finished';
  readonly turn_id: string;
  readonly reply_id: string;
  readonly finish_reason: FinishReason;
  /** All text of the turn: exactly what its text deltas add up to. */
  readonly content: string;
  readonly usage: Usage;
  /** Where it is said; owed from this record on until the channel has it. */
  readonly outbox?: ReplyRoute;
}

export interface TurnFailed {
  readonly type: 'turn_failed';
  readonly turn_id: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly usage: Usage;
  /** Where it is said; owed from this record on until the channel has it. */
  readonly outbox?: ReplyRoute;
}

/** A channel has what it was to be told in its own stream: from here on it is the channel's. */
export interface ReplyHanded {
  readonly type: 'reply_handed';
  readonly turn_id: string;
  /** See {@link Outgoing.key}. */
  readonly key: string;
}

/** No channel took it in its time: nobody will be told. */
export interface ReplyLost {
  readonly type: 'reply_lost';
  readonly turn_id: string;
  readonly key: string;
  readonly channel: string;
  readonly code: ErrorCode;
  readonly message: string;
}

export type SessionStatus = 'active' | 'paused' | 'archived';

/** How many tool calls a session may make, and has made. */
export interface ToolBudget {
  readonly maxCallsPerTurn: number;
  readonly maxCallsPerSession: number;
  readonly used: number;
}

/** How many tokens a session may use, and has used. */
export interface TokenBudget {
  readonly maxPerSession: number;
  readonly maxPerHour: number;
  readonly maxPerDay: number;
  readonly usedSession: number;
  readonly usedHour: number;
  readonly usedDay: number;
}

/** What is kept of a session for its callers, without a lane looking at it. */
export interface SessionDetails {
  readonly summary: string;
  /** Epoch milliseconds. */
  readonly last_compaction_at: number | null;
  readonly tool_budget: ToolBudget;
  readonly token_budget: TokenBudget;
}

export interface SessionChanged {
  readonly type: 'session_changed';
  readonly title?: string;
  readonly model?: string;
  readonly status?: SessionStatus;
  readonly details?: SessionDetails;
}

/** A message put into a session beside its turns. */
export interface MessageAdded {
  readonly type: 'message_added';
  readonly message_id: string;
  readonly turn_id: string;
  readonly user_id: string;
  readonly role: 'user' | 'assistant' | 'system' | 'tool';
  readonly origin: Origin;
  readonly content: string;
  readonly tool_calls: readonly ToolCall[];
  readonly tool_call_id: string | null;
  readonly tool_name: string | null;
  readonly attachments: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** The session is gone, with all that was said in it. One made under its id later begins empty. */
export interface SessionDeleted {
  readonly type: 'session_deleted';
  readonly session_id: string;
}

/** Older messages of the session were summed up: what is told of them from now on, in place of what was told before. */
export interface Compacted {
  readonly type: 'compacted';
  readonly compaction_id: string;
  readonly summary: string;
  /** The time of the first and of the last message it adds, epoch milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly messages: number;
}

/**
 * Somebody whose words are in what the session was summed up to is being erased: it is told of no summary until there is
 * another. What it was told before is redacted before this row.
 */
export interface SummaryErased {
  readonly type: 'summary_erased';
  /** Who. */
  readonly user_id: string;
}

/** The folded state at this point, packed by the fold; reading a stream stops at the newest one. */
export interface Checkpoint {
  readonly type: 'checkpoint';
  readonly state: unknown;
}

/** Somebody began anew: what is for its conversation is the next session's from here on. */
export interface SessionSuperseded {
  readonly type: 'session_superseded';
  readonly next: string;
  /** How often that was done in this conversation, from 1. */
  readonly generation: number;
}

export type SessionRecord =
  | SessionCreated
  | MessageReceived
  | MessageBlocked
  | MessageCollected
  | MessageSteered
  | TurnStarted
  | TurnResumed
  | ModelCalled
  | ModelReplied
  | ModelReplaced
  | ToolCalled
  | ToolReturned
  | ApprovalRequested
  | ApprovalDecided
  | CancelRequested
  | TurnFinished
  | TurnFailed
  | ReplyHanded
  | ReplyLost
  | SessionChanged
  | MessageAdded
  | SessionDeleted
  | SessionSuperseded
  | Compacted
  | SummaryErased
  | Checkpoint;

export type RecordType = SessionRecord['type'];

/** The version each record type is written with today. A reader of version n reads every version before it. */
export const RECORD_VERSIONS: { readonly [T in RecordType]: number } = {
  session_created: 1,
  message_received: 1,
  message_blocked: 1,
  message_collected: 1,
  message_steered: 1,
  turn_started: 1,
  turn_resumed: 1,
  model_called: 1,
  model_replied: 1,
  model_replaced: 1,
  tool_called: 1,
  tool_returned: 1,
  approval_requested: 1,
  approval_decided: 1,
  cancel_requested: 1,
  turn_finished: 1,
  turn_failed: 1,
  reply_handed: 1,
  reply_lost: 1,
  session_changed: 1,
  message_added: 1,
  session_deleted: 1,
  session_superseded: 1,
  compacted: 1,
  summary_erased: 1,
  checkpoint: 1,
};

/** A record as the journal keeps it. `payload` is JSON made by its writer, so that the journal's thread only carries it. */
export interface StoredRecord {
  /** One of its stream's own types: a session's, a workspace's, the gateway's. */
  readonly type: string;
  readonly version: number;
  readonly turn_id: string | null;
  readonly payload: string;
}

/** A row of the journal. */
export interface JournalRow extends StoredRecord {
  readonly seq: number;
  /** The stream's row before this one; 0 for the first. */
  readonly prev: number;
  readonly stream: string;
  /** Counts the stream's rows from 1. */
  readonly n: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly workspace_id: string;
}

/** What of a row its stream's owner folds: where it is, when it was written, and the record. */
export type TailRow = Pick<JournalRow, 'seq' | 'at' | 'type' | 'version' | 'payload'>;

/** The form a record is kept in. */
export function store(record: SessionRecord): StoredRecord {
  // What was only put in belongs to no turn of this session's lane.
  const turn_id = 'turn_id' in record && record.type !== 'message_added' ? record.turn_id : null;
  return { type: record.type, version: RECORD_VERSIONS[record.type], turn_id, payload: JSON.stringify(record) };
}

/**
 * A record read back. What it trusts is the journal's own file: a version this build does not know is refused, because
 * acting on half an understanding of a stream is worse than stopping.
 *
 * @throws Error when the record was written by a newer Sigil.
 */
export function restore(stored: Pick<StoredRecord, 'type' | 'version' | 'payload'>): SessionRecord {
  return restoreAs<SessionRecord>(stored, RECORD_VERSIONS);
}

/** The same for the records of any kind of stream. @throws Error when the record was written by a newer Sigil. */
export function restoreAs<R extends { readonly type: string }>(
  stored: Pick<StoredRecord, 'type' | 'version' | 'payload'>,
  versions: Readonly<Record<string, number>>,
): R {
  const newest = versions[stored.type];
  if (newest === undefined || stored.version > newest) {
    throw new Error(
      `record ${stored.type} version ${stored.version} was written by a newer Sigil; start that version instead`,
    );
  }
  return JSON.parse(stored.payload) as R;
}
