// SPDX-License-Identifier: Apache-2.0
// What a workspace's stream may hold: its summaries, its knowledge, the compactions these come from, and what was taken out of its memory.

import type { CompactionRecord, PackedCompactions } from './compaction-records.ts';
import type { Origin, StoredRecord, ToolCall, Usage } from './records.ts';
import { restoreAs } from './records.ts';

/** A message put into memory beside those of turns: imported, or noted by a tool. */
export interface AddedMessage {
  readonly id: string;
  readonly session_id: string;
  readonly turn_id: string;
  readonly user_id: string;
  readonly role: 'user' | 'assistant' | 'system' | 'tool';
  readonly origin: Origin;
  readonly content: string;
  readonly tool_calls?: readonly ToolCall[];
  readonly tool_call_id?: string;
  /** Of a tool's result: which tool. */
  readonly tool_name?: string;
  /** Ids of what was sent along. */
  readonly attachments?: readonly string[];
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** Which messages leave memory: of all before this record, or of one session's, those beyond the newest so many. */
export interface MessagesTrimmed {
  readonly type: 'messages_trimmed';
  readonly keep_last: number;
  readonly session_id?: string;
  /** Only those that a confirmed summary stands for. */
  readonly summarized?: boolean;
  /** Under which how many it removed can be asked for. */
  readonly id?: string;
}

/** What a stretch of a conversation comes down to. Times are epoch milliseconds. */
export interface StoredSummary {
  readonly id: string;
  readonly session_id: string;
  /** Whose session it is; absent: whoever spoke in it last. */
  readonly user_id?: string;
  /** Everybody whose words it is made of, those that were in the summary before it too; absent: nobody knows. */
  readonly user_ids?: readonly string[];
  readonly from: number;
  readonly to: number;
  readonly content: string;
  readonly message_ids: readonly string[];
}

/** What a property may be: a JSON value. */
export type PropertyValue =
  | string
  | number
  | boolean
  | null
  | readonly PropertyValue[]
  | { readonly [key: string]: PropertyValue };

/** A thing the workspace knows of. */
export interface StoredEntity {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  /** Each becomes a triple; what is missing from the next put is true no longer. */
  readonly properties: Readonly<Record<string, PropertyValue>>;
  /** Whose it is, as `my dog` is somebody's; empty: the whole workspace's. */
  readonly user_id: string;
  /** Epoch milliseconds; absent: when it was first put. */
  readonly created_at?: number;
}

export interface StoredRelationship {
  readonly id: string;
  readonly from_id: string;
  readonly to_id: string;
  readonly type: string;
  readonly metadata: Readonly<Record<string, PropertyValue>>;
  /** Epoch milliseconds; absent: when it was first put. */
  readonly created_at?: number;
}

export interface StoredFact {
  readonly id: string;
  readonly entity_id: string;
  /** What it was called when the fact was put, where that is known: for those who see nothing else. */
  readonly entity_name?: string;
  readonly predicate: string;
  readonly value: string;
  /** 0 to 1. */
  readonly confidence: number;
  /** Where it comes from: a turn's or message's id, `import`. */
  readonly source: string;
  /** Who said it, if it is theirs; empty: the whole workspace's. */
  readonly user_id: string;
  /** The session it was taken from without anybody having asked for it: it goes with that. */
  readonly session_id?: string;
  /** Epoch milliseconds; absent: when it was first put. */
  readonly created_at?: number;
}

/** All of somebody is gone from the workspace: what they had kept, and what was said in these sessions of theirs. */
export interface UserErased {
  readonly type: 'user_erased';
  readonly user_id: string;
  readonly session_ids: readonly string[];
  /** It is their own: what is nobody's in it is theirs. */
  readonly own: boolean;
}

/**
 * A model is about to be called for somebody who keeps no session: nothing of what is said is recorded, but what it may use
 * is, so that no budget is exceeded whatever dies.
 */
export interface CallOpened {
  readonly type: 'call_opened';
  /** What its reservations are under; several calls in a row may share it. */
  readonly id: string;
  /** Counts the calls under an id from 1. */
  readonly call: number;
  readonly user_id: string;
  /** `provider/model`. */
  readonly model: string;
  readonly reserved_tokens: number;
  readonly reserved_usd: number;
  /** The life of a thread that makes it: `lane-1@<uuid>`. What a life leaves open its next one closes. */
  readonly holder: string;
}

/** That call is over. One that is closed already, or was never opened, is not counted again. */
export interface CallClosed {
  readonly type: 'call_closed';
  readonly id: string;
  readonly call: number;
  readonly user_id: string;
  readonly model: string;
  readonly usage: Usage;
  /** What an interrupted call is settled at, for its vendor bills it; zero for one that was not interrupted. */
  readonly settled_tokens: number;
  readonly settled_usd: number;
}

/** Something of a session that is not kept was noted in the audit, which needs a row to stand with. */
export interface CallNoted {
  readonly type: 'call_noted';
  /** That session's. */
  readonly id: string;
}

export type WorkspaceRecord =
  | CompactionRecord
  | { readonly type: 'messages_added'; readonly messages: readonly AddedMessage[] }
  | MessagesTrimmed
  /** `id`: under which how many there were can be asked for. */
  | { readonly type: 'messages_deleted'; readonly ids: readonly string[]; readonly id?: string }
  | { readonly type: 'summary_stored'; readonly summary: StoredSummary }
  /** What it sums up may leave the window: it was checked to be there. */
  | { readonly type: 'summary_confirmed'; readonly id: string }
  /** `only_new`: one that is known stays as it is. `session_id`: the session it was taken from unasked. */
  | {
      readonly type: 'entity_put';
      readonly entity: StoredEntity;
      readonly only_new?: true;
      readonly session_id?: string;
    }
  /** With everything said of it: its properties, facts, and relationships in either direction. */
  | { readonly type: 'entity_deleted'; readonly id: string }
  | { readonly type: 'relationship_put'; readonly relationship: StoredRelationship }
  | { readonly type: 'relationships_deleted'; readonly ids: readonly string[] }
  /** `only_new`: what is stated already stays as it is. */
  | { readonly type: 'facts_put'; readonly facts: readonly StoredFact[]; readonly only_new?: true }
  | { readonly type: 'facts_deleted'; readonly ids: readonly string[] }
  | UserErased
  /** Texts of the workspace were embedded, or questions to it: what that has used. */
  | {
      readonly type: 'texts_embedded';
      /** `provider/name`. */
      readonly model: string;
      readonly calls: number;
      readonly input_tokens: number;
      readonly cost_usd: number;
      /** Who had them embedded, where somebody asked for the vectors; absent: the workspace. */
      readonly user_id?: string;
    }
  | CallOpened
  | CallClosed
  | CallNoted
  /** What its owner folds, which is its open compactions alone; null before there were any. */
  | { readonly type: 'checkpoint'; readonly state: PackedCompactions | null };

/** The version each record type is written with today. A reader of version n reads every version before it. */
export const WORKSPACE_RECORD_VERSIONS: { readonly [T in WorkspaceRecord['type']]: number } = {
  messages_added: 1,
  messages_trimmed: 1,
  messages_deleted: 1,
  summary_stored: 1,
  summary_confirmed: 1,
  entity_put: 1,
  entity_deleted: 1,
  relationship_put: 1,
  relationships_deleted: 1,
  facts_put: 1,
  facts_deleted: 1,
  user_erased: 1,
  texts_embedded: 1,
  call_opened: 1,
  call_closed: 1,
  call_noted: 1,
  compaction_called: 1,
  compaction_failed: 1,
  compaction_stored: 1,
  compaction_ended: 1,
  session_forgotten: 1,
  checkpoint: 2,
};

/** The form a record is kept in. */
export function storeWorkspace(record: WorkspaceRecord): StoredRecord {
  const { type } = record;
  return { type, version: WORKSPACE_RECORD_VERSIONS[type], turn_id: null, payload: JSON.stringify(record) };
}

/** A record read back. @throws Error when it was written by a newer Sigil. */
export function restoreWorkspace(stored: Pick<StoredRecord, 'type' | 'version' | 'payload'>): WorkspaceRecord {
  return restoreAs<WorkspaceRecord>(stored, WORKSPACE_RECORD_VERSIONS);
}
