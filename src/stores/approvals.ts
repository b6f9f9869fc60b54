// SPDX-License-Identifier: Apache-2.0
// Requests for a person's approval as they are read: those that wait, and what became of the others.

import type { Page, PageRequest } from './page.ts';
import type { ApprovalDecision } from './records.ts';

export interface ApprovalRow {
  readonly id: string;
  readonly session_id: string;
  readonly workspace_id: string;
  readonly turn_id: string;
  readonly call_id: string;
  /** Whose message the turn answers. */
  readonly user_id: string;
  readonly tool: string;
  /** The JSON text the model wrote. */
  readonly arguments: string;
  /** Why the tool asks; empty: it always does. */
  readonly reason: string;
  /** RFC 3339 UTC with milliseconds. */
  readonly requested_at: string;
  readonly expires_at: string;
  /** Null while it waits. */
  readonly decision: ApprovalDecision | null;
  readonly decided_by: string | null;
  readonly decided_at: string | null;
}

export type ApprovalQueries = {
  readonly 'approval.get': { readonly body: { readonly id: string }; readonly reply: ApprovalRow };
  /** Those that wait, oldest first: of everybody, or for one user's messages. */
  readonly 'approval.list': {
    readonly body: { readonly user_id?: string | undefined; readonly page: PageRequest };
    readonly reply: Page<ApprovalRow>;
  };
};
