// SPDX-License-Identifier: Apache-2.0
// The gateway's own store: users, pairings, tokens, the audit. Whoever asks sees everything acknowledged before.

import type { Instant } from '../world.ts';
import type { AuditBreak, AuditHead } from './audit.ts';
import type { Actor } from './directory-commands.ts';
import type { PairingOrigin, PairingStatus, Role, SessionMode, StoredBinding } from './directory-records.ts';
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

/** That somebody may write by one channel in one workspace, and as whom; or wants to, or may not. */
export interface Pairing {
  readonly id: string;
  /** Empty for one that is nobody's yet. */
  readonly userId: string;
  /** The channel's instance. */
  readonly channel: string;
  readonly channelType: string;
  /** The platform's id of the conversation it came from. */
  readonly channelId: string;
  /** Who writes. */
  readonly platformId: string;
  readonly displayName: string;
  /** Empty: their own. */
  readonly workspaceId: string;
  readonly status: PairingStatus;
  readonly origin: PairingOrigin;
  readonly createdAt: Instant;
}

/** Who writes is called as the conversation is when not given: on many platforms a direct one is. */
export type NewPairing = Omit<Pairing, 'id' | 'origin' | 'createdAt' | 'platformId' | 'displayName'> &
  Partial<Pick<Pairing, 'platformId' | 'displayName'>>;

/** A code that lets in whoever sends it first. */
export interface PairingCode {
  readonly id: string;
  readonly channel: string;
  /** Empty: their own. */
  readonly workspaceId: string;
  /** Empty: somebody new. */
  readonly userId: string;
  /** What somebody new is. */
  readonly role: Role;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
}

export type NewCode = Pick<PairingCode, 'channel'> & Partial<Pick<PairingCode, 'workspaceId' | 'userId' | 'role'>>;

/** A conversation that belongs to a workspace. */
export type Binding = StoredBinding;

/** A workspace that was made here. */
export interface MadeWorkspace {
  readonly id: string;
  readonly description: string;
  readonly members: readonly string[];
  readonly bindings: readonly Binding[];
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
}

export type NewMadeWorkspace = Pick<MadeWorkspace, 'id'> &
  Partial<Pick<MadeWorkspace, 'description' | 'members' | 'bindings'>>;

/** Those of the configuration are `conflict` to change. */
export interface WorkspaceStore {
  create(workspace: NewMadeWorkspace, by: Actor): Promise<MadeWorkspace>;
  update(id: string, change: Omit<NewMadeWorkspace, 'id'>, by: Actor): Promise<MadeWorkspace>;
  /** Nobody enters it any more; what was said in it stays, and its id is not given again. */
  delete(id: string, by: Actor): Promise<void>;
}

export interface PairingFilter {
  readonly userId?: string | undefined;
  readonly channel?: string | undefined;
  readonly status?: PairingStatus | undefined;
}

/** Somebody has one pairing at most on a channel in a workspace: another is `conflict`. */
export interface PairingStore {
  create(pairing: NewPairing, by: Actor): Promise<Pairing>;
  get(id: string): Promise<Pairing>;
  getByChannel(channel: string, channelId: string): Promise<Pairing | null>;
  getByUser(userId: string, page?: ListRequest): Promise<Page<Pairing>>;
  /** Oldest first. */
  list(filter?: PairingFilter, page?: ListRequest): Promise<Page<Pairing>>;
  /** With a user it becomes theirs; one that is nobody's and becomes active makes a user of that role. */
  setStatus(id: string, status: PairingStatus, by: Actor, userId?: string, role?: Role): Promise<Pairing>;
  /** `secret` is the code itself: it is told this once and kept nowhere. */
  createCode(code: NewCode, by: Actor): Promise<{ readonly code: PairingCode; readonly secret: string }>;
  removeCode(id: string, by: Actor): Promise<void>;
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
  /** Null: it ends when it is revoked. */
  readonly expiresAt: Instant | null;
}

export interface NewToken {
  readonly userId: string;
  readonly name: string;
  readonly permissions: readonly string[] | null;
  /** Epoch milliseconds; null or not given: it ends when it is revoked. */
  readonly expiresAt?: number | null;
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

/** That no new turns are begun. */
export interface Pause {
  /** The id of the user who said so; empty when they were erased since. */
  readonly by: string;
  /** Why, as they put it; empty when they did not say. */
  readonly reason: string;
  readonly since: Instant;
}

/** Whether new turns are begun. It is kept over restarts. */
export interface AgentSwitch {
  /** Messages are taken and wait from here on; what runs is finished. Paused already: as it was. */
  pause(reason: string, by: Actor): Promise<Pause>;
  resume(by: Actor): Promise<void>;
}

/** Everything that is known of the gateway beside its sessions. */
export interface GatewayStore {
  readonly users: UserStore;
  readonly pairings: PairingStore;
  readonly workspaces: WorkspaceStore;
  readonly tokens: TokenStore;
  readonly auditLog: AuditStore;
  readonly agent: AgentSwitch;
  close(): Promise<void>;
}
