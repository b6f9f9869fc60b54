// SPDX-License-Identifier: Apache-2.0
// Sessions as callers have them: made, changed and read one by one, with the window of messages a model is shown.

import type { DateTime } from './date-time.ts';
import type { Message, NewMessage } from './memory-store.ts';
import type { Page, PageRequest } from './page.ts';
import type { SessionStatus, TokenBudget, ToolBudget } from './records.ts';

export interface Session {
  readonly id: string;
  readonly workspaceId: string;
  readonly userId: string;
  readonly title: string;
  readonly summary: string;
  readonly lastCompactionAt: DateTime | null;
  /** `provider/model`; empty: routed. */
  readonly modelOverride: string;
  readonly toolBudget: ToolBudget;
  readonly tokenBudget: TokenBudget;
  readonly status: SessionStatus;
  readonly createdAt: DateTime;
  readonly updatedAt: DateTime;
}

/** A session to be made: what is left out is empty, and 0 where it is a number. */
export type NewSession = Pick<Session, 'id' | 'workspaceId' | 'userId'> & Partial<SessionChange>;

/** What may be changed of a session. */
export type SessionChange = Pick<
  Session,
  'title' | 'summary' | 'lastCompactionAt' | 'modelOverride' | 'toolBudget' | 'tokenBudget' | 'status'
>;

/**
 * Sessions. In a running gateway a session's stream is written by its lane alone, so what changes a session is asked of the
 * lane (`remote/session-writer.ts`); while a turn of it is open, all but its deletion is `conflict`.
 */
export interface SessionStore {
  /** @throws SigilError `conflict` when there is one under its id. */
  create(session: NewSession): Promise<Session>;
  /** @throws SigilError `not_found`. */
  get(id: string): Promise<Session>;
  /** What is left out stays. @throws SigilError `not_found`. */
  update(id: string, change: Partial<SessionChange>): Promise<Session>;
  /** Newest activity first. */
  list(workspaceId: string, page?: Partial<PageRequest>): Promise<Page<Session>>;
  /** With all that was said in it, out of memory too. @throws SigilError `not_found`. */
  delete(id: string): Promise<void>;
  /** @throws SigilError `not_found`; `conflict` when the session has a message under its id. */
  append(sessionId: string, message: Omit<NewMessage, 'sessionId'>): Promise<void>;
  /** The newest messages (1 to 200), oldest first; a tool's result whose call is cut off is cut off with it. @throws SigilError `not_found`. */
  activeWindow(sessionId: string, limit: number): Promise<readonly Message[]>;
  close(): Promise<void>;
}
