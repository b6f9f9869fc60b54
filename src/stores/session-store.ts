// SPDX-License-Identifier: Apache-2.0
// Sessions, messages and turns as they are read: the view's interface. Whoever asks sees everything acknowledged before.

import type { ApprovalQueries } from './approvals.ts';
import type { CompactionQueries } from './compaction-queries.ts';
import type { DirectoryQueries } from './directory-queries.ts';
import type { ValueQueries } from './key-value-store.ts';
import type { KnowledgeQueries } from './knowledge-queries.ts';
import type { MemoryQueries } from './memory-queries.ts';
import type { Page, PageRequest } from './page.ts';
import type { FinishReason, Origin, SessionDetails, SessionStatus, ToolCall, Usage } from './records.ts';
import type { NumberedTurnEvent } from './turn-events.ts';

export type { Page, PageRequest };

export interface SessionRow {
  readonly id: string;
  readonly workspace_id: string;
  readonly user_id: string;
  /** The address of the channel it was opened on. */
  readonly channel: string;
  readonly title: string;
  /** The session's own model; empty: routed. */
  readonly model: string;
  readonly status: SessionStatus;
  readonly turns: number;
  readonly messages: number;
  /** RFC 3339 UTC with milliseconds. */
  readonly created_at: string;
  readonly updated_at: string;
}

export interface MessageRow {
  readonly id: string;
  readonly turn_id: string;
  readonly role: 'user' | 'assistant' | 'system' | 'tool';
  readonly content: string;
  readonly origin: Origin;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
  /** What came with it, each in a line: `cat.png (image/png, 120 KB)`. */
  readonly attachments?: readonly string[];
  readonly created_at: string;
}

/** A message with all that is kept of it. */
export interface StoredMessageRow extends MessageRow {
  readonly user_id: string;
  readonly tool_name: string | null;
  readonly attachments: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

export type TurnStatus = 'queued' | 'running' | 'finished' | 'failed';

/** A turn's record: what became of a message. */
export interface TurnRow {
  readonly id: string;
  readonly session_id: string;
  readonly workspace_id: string;
  readonly user_id: string;
  readonly message_id: string;
  /** All messages it answers: that one first, then those collected for it and those it was handed while it ran. */
  readonly message_ids: readonly string[];
  readonly status: TurnStatus;
  readonly model: string;
  /** Null until it ended well. */
  readonly reply_id: string | null;
  readonly content: string;
  readonly finish_reason: FinishReason | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly usage: Usage;
  readonly tool_calls: readonly TurnToolCall[];
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
}

export interface TurnToolCall extends ToolCall {
  /** Null while it runs. */
  readonly result: { readonly content: string; readonly is_error: boolean; readonly truncated: boolean } | null;
}

/** One step of a turn as the journal has it, for the debug page. */
export interface TurnStep {
  readonly seq: number;
  readonly type: string;
  readonly at: string;
  /** What the record says, message text left out. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** The tokens and cost of one scope since a point in time. */
export interface UsageSum {
  readonly tokens: number;
  readonly cost_usd: number;
}

/** A model call that is journaled and not answered, with what is reserved for it. */
export interface OpenCall {
  readonly turn_id: string;
  readonly call: number;
  readonly tokens: number;
  readonly cost_usd: number;
}

/** An open call of no session, see `CallOpened`. */
export interface HeldCall extends OpenCall {
  readonly workspace_id: string;
  readonly user_id: string;
  readonly model: string;
  readonly holder: string;
}

/** What a scope has used, and what it has open besides, as of one row. */
export interface UsageWindow {
  readonly hour: UsageSum;
  readonly day: UsageSum;
  readonly open: readonly OpenCall[];
  readonly upto: number;
}

/**
 * Every question the read thread answers. Each is asked with `after`: the answer waits until the view has applied that
 * seq (0: as it is; `latest`: whatever the journal holds durably now), else fails `view_behind` after 2 s.
 */
export type ReadQueries = SessionQueries &
  ApprovalQueries &
  MemoryQueries &
  CompactionQueries &
  DirectoryQueries &
  KnowledgeQueries &
  ValueQueries;

type SessionQueries = {
  readonly 'session.get': { readonly body: { readonly session_id: string }; readonly reply: SessionRow };
  /** What callers keep of a session; null when nothing was kept. */
  readonly 'session.details': {
    readonly body: { readonly session_id: string };
    readonly reply: { readonly details: SessionDetails | null };
  };
  /** The newest messages, oldest first. It never begins with a tool's result whose call was cut off. */
  readonly 'session.window': {
    readonly body: { readonly session_id: string; readonly limit: number };
    readonly reply: { readonly items: readonly StoredMessageRow[] };
  };
  /** Whether a session has a message under this id. */
  readonly 'session.has_message': {
    readonly body: { readonly session_id: string; readonly message_id: string };
    readonly reply: { readonly known: boolean };
  };
  /** Newest activity first. */
  readonly 'session.list': {
    readonly body: { readonly workspace_id: string; readonly user_id?: string | undefined; readonly page: PageRequest };
    readonly reply: Page<SessionRow>;
  };
  /** Oldest first. */
  readonly 'session.messages': {
    readonly body: { readonly session_id: string; readonly page: PageRequest };
    readonly reply: Page<MessageRow>;
  };
  /** Of a turn that never started, because another answers its message: the record of that one. */
  readonly 'turn.get': { readonly body: { readonly turn_id: string }; readonly reply: TurnRow };
  /** The durable events numbered above `from`, in order; `ended` when the last one is terminal. */
  readonly 'turn.events': {
    readonly body: { readonly turn_id: string; readonly from: number };
    readonly reply: { readonly events: readonly NumberedTurnEvent[]; readonly ended: boolean };
  };
  readonly 'turn.steps': {
    readonly body: { readonly turn_id: string };
    readonly reply: { readonly turn: TurnRow; readonly steps: readonly TurnStep[] };
  };
  /** Workspaces that have sessions. */
  readonly 'workspace.list': {
    readonly body: { readonly page: PageRequest };
    readonly reply: Page<{ readonly id: string; readonly sessions: number; readonly created_at: string }>;
  };
  /** The turn of a message that a session had under this key, however long ago. */
  readonly 'message.turn': {
    readonly body: { readonly session_id: string; readonly message_id: string };
    readonly reply: { readonly turn_id: string | null; readonly content: string };
  };
  /** Calls that belong to no session and are open, whoever makes or made them: the first so many. */
  readonly 'calls.open': {
    readonly body: { readonly limit: number };
    readonly reply: { readonly calls: readonly HeldCall[] };
  };
  /** What a scope (`global` or `workspace/<id>`) used in the hour and the day (UTC) that hold `at`. */
  readonly 'usage.window': {
    readonly body: { readonly scope: string; readonly at: number };
    readonly reply: UsageWindow;
  };
};

export type ReadQuery = keyof ReadQueries & string;

/** What a read is asked with besides its own question. */
export interface ReadBarrier {
  readonly after: number | 'latest';
}

/** The read store's messages: every query under its own name, with its barrier. */
export type ReadProtocol = {
  readonly [Q in keyof ReadQueries]: {
    readonly body: ReadQueries[Q]['body'] & ReadBarrier;
    readonly reply: ReadQueries[Q]['reply'];
  };
};

/** How the edge reads: one method, typed by the question. */
export interface ReadStore {
  read<Q extends ReadQuery>(
    query: Q,
    body: ReadQueries[Q]['body'],
    barrier?: ReadBarrier,
  ): Promise<ReadQueries[Q]['reply']>;
}
