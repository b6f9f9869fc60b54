// SPDX-License-Identifier: Apache-2.0
// A workspace's memory as callers have it: messages with full text (tier 1) and summaries (tier 2). What is still to come,
// knowledge and vectors, has its place beside them.

import type { DateTime } from './date-time.ts';
import type { Origin, ToolCall } from './records.ts';
import type { FoundKind } from './scope-words.ts';
import type { Snippet } from './snippet.ts';

export interface Message {
  readonly id: string;
  readonly sessionId: string;
  readonly turnId: string;
  /** Whose conversation it is from: of a reply too, who was answered. Empty when nobody is known. */
  readonly userId: string;
  readonly role: 'user' | 'assistant' | 'system' | 'tool';
  readonly content: string;
  /** Of a tool's result: the call it answers. */
  readonly toolCallId: string | null;
  readonly toolName: string | null;
  /** Of a reply: the calls it asks for. */
  readonly toolCalls: readonly ToolCall[];
  /** Ids of what was sent along. */
  readonly attachments: readonly string[];
  readonly origin: Origin;
  readonly createdAt: DateTime;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** A message to be kept: what is left out is empty. */
export type NewMessage = Pick<Message, 'id' | 'sessionId' | 'role' | 'content'> &
  Partial<Omit<Message, 'id' | 'sessionId' | 'role' | 'content'>>;

export interface SearchOptions {
  /** 1 to 200; 20 when not given. A page of very long messages may hold fewer. */
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
  readonly userId?: string | undefined;
  readonly sessionId?: string | undefined;
  /** What is found: what people and the agent said, when not given. */
  readonly kinds?: readonly FoundKind[] | undefined;
  /** From this time on, and before that one. */
  readonly from?: DateTime | undefined;
  readonly to?: DateTime | undefined;
  /** `any`: when few messages hold all the words, those that hold some of them follow. `all` when not given. */
  readonly match?: 'all' | 'any' | undefined;
}

/** A message that was found, with the part that shows why. */
export interface SearchHit {
  readonly message: Message;
  readonly snippet: Snippet;
}

export interface SearchPage {
  /** Best first. */
  readonly items: readonly SearchHit[];
  /** Where the rest begins, in the order of the first page; null when there is none. */
  readonly nextCursor: string | null;
}

/** Tier 1. Times are half-open: `from` belongs to a range, `to` does not. */
export interface MessageStore {
  /** @throws SigilError `conflict` when there is a message under its id. */
  append(workspaceId: string, message: NewMessage): Promise<void>;
  /** Any text is a safe query; one without a word finds nothing. */
  search(workspaceId: string, query: string, options?: SearchOptions): Promise<SearchPage>;
  /** Oldest first; of equal times in the order they came. */
  range(workspaceId: string, from: DateTime, to: DateTime, limit?: number): Promise<readonly Message[]>;
  oldest(workspaceId: string, n: number): Promise<readonly Message[]>;
  count(workspaceId: string): Promise<number>;
  /** Of all messages that are there now the newest so many stay; how many left. */
  trim(workspaceId: string, keepLast: number): Promise<number>;
  /** How many there were: an id that is not there is none of them, so that what was cut short can be repeated. */
  deleteByIds(workspaceId: string, ids: readonly string[]): Promise<number>;
}

/** What a stretch of a conversation comes down to. */
export interface Summary {
  readonly id: string;
  readonly workspaceId: string;
  readonly sessionId: string;
  readonly fromTime: DateTime;
  readonly toTime: DateTime;
  readonly content: string;
  readonly messageIds: readonly string[];
  /** Whether what it sums up may leave memory. */
  readonly confirmed: boolean;
  readonly createdAt: DateTime;
}

export type NewSummary = Omit<Summary, 'workspaceId' | 'confirmed' | 'createdAt'>;

/** Tier 2. */
export interface SummaryStore {
  /** @throws SigilError `conflict` when there is one under its id. */
  store(workspaceId: string, summary: NewSummary): Promise<void>;
  /** Those that begin at or after `from` and end at or before `to`, by their end, oldest first. */
  byRange(workspaceId: string, from: DateTime, to: DateTime): Promise<readonly Summary[]>;
  /** Those that end last, newest first; of one session when given. */
  latest(workspaceId: string, n: number, sessionId?: string): Promise<readonly Summary[]>;
  /** What it sums up may leave memory. Again is the same. @throws SigilError `not_found`. */
  confirm(workspaceId: string, id: string): Promise<void>;
}

/** Tiers 1 and 2; knowledge (tier 3) stands beside them once it is there. */
export interface MemoryStore {
  readonly messages: MessageStore;
  readonly summaries: SummaryStore;
  /** What is open ends; nothing is asked afterwards. */
  close(): Promise<void>;
}
