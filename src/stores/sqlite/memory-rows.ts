// SPDX-License-Identifier: Apache-2.0
// Rows of memory.db as they lie there, and in the form they are read.

import type { MemoryMessageRow, SummaryRow } from '../memory-queries.ts';
import type { ToolCall } from '../records.ts';

export interface StoredMessage {
  readonly n: number;
  readonly id: string;
  readonly session_id: string;
  readonly turn_id: string;
  readonly user_id: string;
  readonly role: MemoryMessageRow['role'];
  readonly origin: MemoryMessageRow['origin'];
  readonly at: number;
  readonly tool_calls: string | null;
  readonly tool_call_id: string | null;
  readonly tool_name: string | null;
  readonly extras: string | null;
  readonly content: string;
}

export interface StoredSummary {
  readonly n: number;
  readonly id: string;
  readonly session_id: string;
  readonly from_at: number;
  readonly to_at: number;
  readonly confirmed: number;
  readonly created_at: number;
  readonly message_ids: string;
  readonly content: string;
}

/** Where messages and their words are; `time` is what they are ordered and filtered by. */
export const MESSAGES = {
  table: 'messages',
  text: 'messages_text',
  time: 'at',
  columns:
    'n, id, session_id, turn_id, user_id, role, origin, at, tool_calls, tool_call_id, tool_name, extras, content',
} as const;

export const SUMMARIES = {
  table: 'summaries',
  text: 'summaries_text',
  time: 'to_at',
  columns: 'n, id, session_id, from_at, to_at, confirmed, created_at, message_ids, content',
} as const;

interface Extras {
  readonly attachments: readonly string[];
  readonly metadata: Readonly<Record<string, unknown>>;
}

export function messageRow(row: StoredMessage): MemoryMessageRow {
  const { id, session_id, turn_id, user_id, role, origin, content } = row;
  return {
    ...{ id, session_id, turn_id, user_id, role, origin, content },
    ...(row.tool_calls === null ? {} : { tool_calls: JSON.parse(row.tool_calls) as readonly ToolCall[] }),
    ...(row.tool_call_id === null ? {} : { tool_call_id: row.tool_call_id }),
    ...(row.tool_name === null ? {} : { tool_name: row.tool_name }),
    ...(row.extras === null ? {} : (JSON.parse(row.extras) as Extras)),
    created_at: new Date(row.at).toISOString(),
  };
}

export function summaryRow(row: StoredSummary): SummaryRow {
  return {
    id: row.id,
    session_id: row.session_id,
    from: new Date(row.from_at).toISOString(),
    to: new Date(row.to_at).toISOString(),
    content: row.content,
    message_ids: JSON.parse(row.message_ids) as readonly string[],
    confirmed: row.confirmed === 1,
    created_at: new Date(row.created_at).toISOString(),
  };
}
