// SPDX-License-Identifier: Apache-2.0
// What the gateway's own stream may hold: users, who they are on each platform, pairings, tokens as hashes, and mere notes.

import type { StoredRecord } from './records.ts';
import { restoreAs } from './records.ts';

export type Role = 'owner' | 'admin' | 'member' | 'guest';
export type SessionMode = 'unified' | 'per_channel';
export type PairingStatus = 'active' | 'pending' | 'denied';

/** Who a user is on a platform. At most one user has an identity. */
export interface StoredIdentity {
  /** The type of channel: `telegram`. */
  readonly channel: string;
  readonly platform_id: string;
  readonly display_name: string;
  /**
   * It came with a pairing, which says where it holds; whoever has it is a stranger everywhere else. Absent: somebody said
   * that it is them, wherever they write from.
   */
  readonly by_pairing?: true;
}

/** Times are epoch milliseconds, here and below. */
export interface StoredUser {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Null: as `sessions.mode`. */
  readonly session_mode: SessionMode | null;
  readonly identities: readonly StoredIdentity[];
  readonly created_at: number;
  readonly updated_at: number;
}

/**
 * What a pairing came from: `open`, a channel that takes anybody (or anybody listed), and worth nothing where it does not;
 * `request`, they asked; `code`, they had a code; `made`, somebody made it.
 */
export type PairingOrigin = 'open' | 'request' | 'code' | 'made';

/** That somebody may write by one channel in one workspace, and as whom; or wants to, or may not. */
export interface StoredPairing {
  readonly id: string;
  /** Empty: nobody's yet. */
  readonly user_id: string;
  /** The channel's instance. */
  readonly channel: string;
  readonly channel_type: string;
  /** The conversation it came from: what is to be told about it is told there. */
  readonly channel_id: string;
  /** Who writes. */
  readonly platform_id: string;
  /** What they called themselves; shown, never trusted. */
  readonly display_name: string;
  /** Empty: their own. */
  readonly workspace_id: string;
  readonly status: PairingStatus;
  readonly origin: PairingOrigin;
  readonly created_at: number;
}

/** A code that lets in whoever sends it first. */
export interface StoredCode {
  readonly id: string;
  /** See `codeHash`: of the channel and the code, which itself is nowhere. */
  readonly hash: string;
  /** The channel's instance, on which alone it is good. */
  readonly channel: string;
  /** Where they are let in; empty: their own workspace. */
  readonly workspace_id: string;
  /** Who they are then; empty: somebody new. */
  readonly user_id: string;
  /** What somebody new is. */
  readonly role: Role;
  readonly created_at: number;
  readonly expires_at: number;
}

/** Wrong codes somebody sent. */
export interface CodeTries {
  readonly count: number;
  /** When the first of them was. */
  readonly since: number;
  /** Until when nothing more is taken of them; 0: something is. */
  readonly locked_until: number;
}

/** A conversation that belongs to a workspace. */
export interface StoredBinding {
  /** The channel's instance. */
  readonly channel: string;
  readonly channel_id: string;
}

/** A workspace that was made here. */
export interface StoredWorkspace {
  readonly id: string;
  readonly description: string;
  readonly members: readonly string[];
  readonly bindings: readonly StoredBinding[];
  readonly created_at: number;
  readonly updated_at: number;
  /** It is gone, and its id is not given again: what was said in it is kept under it. */
  readonly deleted?: true;
}

/** A token as it is kept: what it is compared with, never what it is. */
export interface StoredToken {
  readonly id: string;
  readonly user_id: string;
  readonly name: string;
  /** Null: whatever its user may. */
  readonly permissions: readonly string[] | null;
  /** SHA-256 of the whole token, hex. */
  readonly hash: string;
  readonly created_at: number;
  /** As of the last time it was written down, which is seldom; null: never. */
  readonly last_used_at: number | null;
  /** When it stops being one; null or, from before tokens could, not there: when it is revoked. */
  readonly expires_at?: number | null;
}

/** That no new turns are begun, until somebody says otherwise. */
export interface StoredPause {
  /** The id of the user who said so; empty once they are erased. */
  readonly by: string;
  /** Why, as they put it; empty when they did not say. */
  readonly reason: string;
  readonly since: number;
}

export type DirectoryRecord =
  | { readonly type: 'user_created'; readonly user: StoredUser }
  | {
      readonly type: 'user_changed';
      readonly id: string;
      readonly name?: string;
      readonly role?: Role;
      readonly session_mode?: SessionMode | null;
    }
  /** Their pairings and tokens go with them. */
  | { readonly type: 'user_deleted'; readonly id: string }
  | { readonly type: 'identity_linked'; readonly user_id: string; readonly identity: StoredIdentity }
  | {
      readonly type: 'identity_unlinked';
      readonly user_id: string;
      readonly channel: string;
      readonly platform_id: string;
    }
  | { readonly type: 'pairing_created'; readonly pairing: StoredPairing }
  /** `user_id`: it becomes this user's. */
  | {
      readonly type: 'pairing_changed';
      readonly id: string;
      readonly status: PairingStatus;
      readonly user_id?: string;
      readonly origin?: PairingOrigin;
    }
  | { readonly type: 'pairing_deleted'; readonly id: string }
  | { readonly type: 'code_created'; readonly code: StoredCode }
  /** Somebody used it, or it was taken back. `sender`: whose wrong tries are forgotten, as `senderKey` says. */
  | { readonly type: 'code_removed'; readonly id: string; readonly sender?: string }
  /** Somebody sent a code that is none. */
  | { readonly type: 'code_tried'; readonly sender: string }
  | { readonly type: 'workspace_created'; readonly workspace: StoredWorkspace }
  | {
      readonly type: 'workspace_changed';
      readonly id: string;
      readonly description?: string;
      readonly members?: readonly string[];
      readonly bindings?: readonly StoredBinding[];
    }
  | { readonly type: 'workspace_deleted'; readonly id: string }
  | { readonly type: 'token_created'; readonly token: StoredToken }
  | { readonly type: 'token_revoked'; readonly id: string }
  /** When tokens were last used, by their ids. */
  | { readonly type: 'tokens_used'; readonly at: Readonly<Record<string, number>> }
  /**
   * All that is held about somebody is to go, beginning with them, their pairings and tokens: carried on at every start until
   * it is done. `workspaces`: where they had something when it began. `pairings`: theirs then, of which channels have spoken;
   * absent in those of before that was kept.
   */
  | {
      readonly type: 'user_erasing';
      readonly id: string;
      readonly user_id: string;
      readonly workspaces: readonly string[];
      readonly pairings?: readonly string[];
    }
  | { readonly type: 'erasure_done'; readonly user_id: string }
  /** No new turns are begun from here on; messages are taken and wait. */
  | { readonly type: 'agent_paused'; readonly by: string; readonly reason: string }
  | { readonly type: 'agent_resumed' }
  /** Nothing changes: what is to be said stands in the audit. */
  | { readonly type: 'noted'; readonly action: string }
  /** The folded directory, packed; null as views read it. */
  | { readonly type: 'checkpoint'; readonly state: PackedDirectory | null };

/** The directory as a checkpoint holds it: plain JSON. */
export interface PackedDirectory {
  readonly users: readonly StoredUser[];
  readonly pairings: readonly StoredPairing[];
  readonly tokens: readonly StoredToken[];
  /** Absent in those of before there were any. */
  readonly erasures?: readonly StoredErasure[];
  readonly codes?: readonly StoredCode[];
  readonly tries?: readonly (readonly [string, CodeTries])[];
  readonly workspaces?: readonly StoredWorkspace[];
  /** Absent while turns are begun. */
  readonly paused?: StoredPause;
}

/** The erasure of somebody, under way or done. */
export interface StoredErasure {
  readonly id: string;
  readonly user_id: string;
  /** Where they had something when it began; none once it is done. */
  readonly workspaces: readonly string[];
  /** Ids of their pairings when it began; none once it is done. */
  readonly pairings?: readonly string[];
  readonly began_at: number;
  /** Null while it goes on. */
  readonly done_at: number | null;
}

/** The version each record type is written with today. A reader of version n reads every version before it. */
export const DIRECTORY_RECORD_VERSIONS: { readonly [T in DirectoryRecord['type']]: number } = {
  user_created: 1,
  user_changed: 1,
  user_deleted: 1,
  identity_linked: 1,
  identity_unlinked: 1,
  pairing_created: 2,
  pairing_changed: 1,
  pairing_deleted: 1,
  code_created: 1,
  code_removed: 1,
  code_tried: 1,
  workspace_created: 1,
  workspace_changed: 1,
  workspace_deleted: 1,
  token_created: 2,
  token_revoked: 1,
  tokens_used: 1,
  user_erasing: 1,
  erasure_done: 1,
  agent_paused: 1,
  agent_resumed: 1,
  noted: 1,
  checkpoint: 3,
};

/** The form a record is kept in. */
export function storeDirectory(record: DirectoryRecord): StoredRecord {
  const { type } = record;
  return { type, version: DIRECTORY_RECORD_VERSIONS[type], turn_id: null, payload: JSON.stringify(record) };
}

/** A record read back. @throws Error when it was written by a newer Sigil. */
export function restoreDirectory(stored: Pick<StoredRecord, 'type' | 'version' | 'payload'>): DirectoryRecord {
  const record = restoreAs<DirectoryRecord>(stored, DIRECTORY_RECORD_VERSIONS);
  if (stored.version > 1) return record;
  if (record.type === 'pairing_created') return { ...record, pairing: upgraded(record.pairing) };
  if (record.type !== 'checkpoint' || record.state === null) return record;
  return { ...record, state: { ...record.state, pairings: record.state.pairings.map(upgraded) } };
}

/** Pairings once were of conversations: what was one person's is theirs, and that is what its conversation was called. */
function upgraded(pairing: StoredPairing): StoredPairing {
  return { ...pairing, platform_id: pairing.channel_id, display_name: '', origin: 'made' };
}
