// SPDX-License-Identifier: Apache-2.0
// The gateway's own store: users, pairings, tokens, the audit. Whoever asks sees everything acknowledged before.

import type { Instant } from '../world.ts';
import type { AuditBreak, AuditHead } from './audit.ts';
import type { Actor } from './directory-commands.ts';
import type { PairingStatus, Role, SessionMode } from './directory-records.ts';
import type { Page } from './page.ts';

/** A page of a list: 1 to 200 items, 50 when not given. */
export interface ListRequest {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

export interface Identity {
  /** The type of channel: `telegram`. */
  readonly channel: string;
  readonly platformId: string;
  readonly displayName: string;
}

export interface User {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Null: as `sessions.mode`. */
  readonly sessionMode: SessionMode | null;
  readonly identities: readonly Identity[];
  /** It stands in the configuration file, where alone it can be changed. */
  readonly configured: boolean;
  /** Null for one in the configuration. */
  readonly createdAt: Instant | null;
  readonly updatedAt: Instant | null;
}

export type NewUser = Pick<User, 'id'> & Partial<Pick<User, 'name' | 'role' | 'sessionMode' | 'identities'>>;
export type UserChange = Partial<Pick<User, 'name' | 'role' | 'sessionMode'>>;

/**
 * Users of the configuration are among them, and are `conflict` to change. A missing one is `not_found`; an id that is
 * taken, or an identity that is somebody else's, is `conflict`.
 */
export interface UserStore {
  create(user: NewUser, by: Actor): Promise<User>;
  get(id: string): Promise<User>;
  /** Null: nobody is known so. */
  getByIdentity(channel: string, platformId: string): Promise<User | null>;
  update(id: string, change: UserChange, by: Actor): Promise<User>;
  link(id: string, identity: Identity, by: Actor): Promise<User>;
  unlink(id: string, channel: string, platformId: string, by: Actor): Promise<User>;
  /** Those of the configuration first, each in order of their ids. */
  list(page?: ListRequest): Promise<Page<User>>;
  /** Their pairings and tokens go with them. */
  delete(id: string, by: Actor): Promise<void>;
}

/** A conversation of a platform that may talk to the gateway, in somebody's name. */
export interface Pairing {
  readonly id: string;
  /** Empty for one that is nobody's yet. */
  readonly userId: string;
  /** The channel's instance. */
  readonly channel: string;
  readonly channelType: string;
  /** The platform's id of the conversation. */
  readonly channelId: string;
  /** Empty: wherever its channel puts it. */
  readonly workspaceId: string;
  readonly status: PairingStatus;
  readonly createdAt: Instant;
}

export type NewPairing = Omit<Pairing, 'id' | 'createdAt'>;

export interface PairingFilter {
  readonly userId?: string | undefined;
  readonly channel?: string | undefined;
  readonly status?: PairingStatus | undefined;
}

/** A conversation has one pairing at most: another is `conflict`. */
export interface PairingStore {
  create(pairing: NewPairing, by: Actor): Promise<Pairing>;
  get(id: string): Promise<Pairing>;
  getByChannel(channel: string, channelId: string): Promise<Pairing | null>;
  getByUser(userId: string, page?: ListRequest): Promise<Page<Pairing>>;
  /** Oldest first. */
  list(filter?: PairingFilter, page?: ListRequest): Promise<Page<Pairing>>;
  /** With a user it becomes theirs; one that is nobody's cannot become active. */
  setStatus(id: string, status: PairingStatus, by: Actor, userId?: string): Promise<Pairing>;
  delete(id: string, by: Actor): Promise<void>;
}

export interface Token {
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  /** Null: whatever its user may. */
  readonly permissions: readonly string[] | null;
  /** It stands in the configuration file, or in the data directory. */
  readonly configured: boolean;
  /** Null for one that was not made here. */
  readonly createdAt: Instant | null;
  /** Noted now and then, not at every use; null: never, or not yet noted. */
  readonly lastUsedAt: Instant | null;
}

export interface NewToken {
  readonly userId: string;
  readonly name: string;
  readonly permissions: readonly string[] | null;
}

export interface TokenStore {
  /** `secret` is the token itself: it is told this once and kept nowhere. */
  create(token: NewToken, by: Actor): Promise<{ readonly token: Token; readonly secret: string }>;
  /** Those that were not made here first, then oldest first. */
  list(filter?: { readonly userId?: string | undefined }, page?: ListRequest): Promise<Page<Token>>;
  /** It stops at once. */
  revoke(id: string, by: Actor): Promise<void>;
}

export interface AuditEntry {
  /** Counts the entries from 1. */
  readonly id: number;
  readonly at: Instant;
  readonly action: string;
  readonly actor: string;
  readonly plugin: string;
  readonly workspaceId: string;
  readonly sessionId: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly result: string;
  readonly hash: string;
}

/** All that is given must hold; times are half-open. */
export interface AuditFilter {
  readonly action?: string | undefined;
  readonly actor?: string | undefined;
  readonly plugin?: string | undefined;
  readonly workspaceId?: string | undefined;
  readonly from?: Instant | undefined;
  readonly to?: Instant | undefined;
}

export interface AuditCheck {
  /** Entries found sound, from the first on. */
  readonly checked: number;
  /** Null: every entry is what was written. */
  readonly broken: AuditBreak | null;
  /** The newest entry's number and hash, to be kept somewhere else. */
  readonly head: AuditHead;
}

export interface AuditStore {
  /** Newest first. A page may be short, or empty, and still have one after it. */
  query(filter: AuditFilter, page?: ListRequest): Promise<Page<AuditEntry>>;
  /**
   * Walks the whole chain.
   *
   * @param kept a head of before that was kept somewhere else: the entries up to it must be those it was the head of
   */
  verify(kept?: AuditHead): Promise<AuditCheck>;
  /** Something was done elsewhere that belongs in it: it is there when this settles, and what it is about comes after. */
  note(note: AuditEntryNote, by: Actor): Promise<void>;
}

export interface AuditEntryNote {
  /** `noun.verb`. */
  readonly action: string;
  readonly details: Readonly<Record<string, unknown>>;
  readonly plugin?: string;
  readonly workspaceId?: string;
  readonly sessionId?: string;
  readonly result?: 'ok' | 'refused' | 'failed';
}

/** Everything that is known of the gateway beside its sessions. */
export interface GatewayStore {
  readonly users: UserStore;
  readonly pairings: PairingStore;
  readonly tokens: TokenStore;
  readonly auditLog: AuditStore;
  close(): Promise<void>;
}
