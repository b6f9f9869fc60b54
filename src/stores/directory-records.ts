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

/** A conversation of a platform that may talk to the gateway, in somebody's name. */
export interface StoredPairing {
  readonly id: string;
  readonly user_id: string;
  /** The channel's instance. */
  readonly channel: string;
  readonly channel_type: string;
  /** The platform's id of the conversation. */
  readonly channel_id: string;
  /** Empty: wherever its channel puts it. */
  readonly workspace_id: string;
  readonly status: PairingStatus;
  readonly created_at: number;
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
  | { readonly type: 'pairing_changed'; readonly id: string; readonly status: PairingStatus; readonly user_id?: string }
  | { readonly type: 'pairing_deleted'; readonly id: string }
  | { readonly type: 'token_created'; readonly token: StoredToken }
  | { readonly type: 'token_revoked'; readonly id: string }
  /** When tokens were last used, by their ids. */
  | { readonly type: 'tokens_used'; readonly at: Readonly<Record<string, number>> }
  /**
   * All that is held about somebody is to go, beginning with them, their pairings and tokens: carried on at every start until
   * it is done. `workspaces`: where they had something when it began.
   */
  | {
      readonly type: 'user_erasing';
      readonly id: string;
      readonly user_id: string;
      readonly workspaces: readonly string[];
    }
  | { readonly type: 'erasure_done'; readonly user_id: string }
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
}

/** The erasure of somebody, under way or done. */
export interface StoredErasure {
  readonly id: string;
  readonly user_id: string;
  /** Where they had something when it began; none once it is done. */
  readonly workspaces: readonly string[];
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
  pairing_created: 1,
  pairing_changed: 1,
  pairing_deleted: 1,
  token_created: 1,
  token_revoked: 1,
  tokens_used: 1,
  user_erasing: 1,
  erasure_done: 1,
  noted: 1,
  checkpoint: 1,
};

/** The form a record is kept in. */
export function storeDirectory(record: DirectoryRecord): StoredRecord {
  const { type } = record;
  return { type, version: DIRECTORY_RECORD_VERSIONS[type], turn_id: null, payload: JSON.stringify(record) };
}

/** A record read back. @throws Error when it was written by a newer Sigil. */
export function restoreDirectory(stored: Pick<StoredRecord, 'type' | 'version' | 'payload'>): DirectoryRecord {
  return restoreAs<DirectoryRecord>(stored, DIRECTORY_RECORD_VERSIONS);
}
