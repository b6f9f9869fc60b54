// SPDX-License-Identifier: Apache-2.0
// What the directory may be asked to change, and who asks: the messages the gateway's root answers to.

import type { AuditNote } from './audit.ts';
import type {
  PairingStatus,
  Role,
  SessionMode,
  StoredCode,
  StoredErasure,
  StoredIdentity,
  StoredPairing,
  StoredPause,
  StoredToken,
  StoredUser,
  StoredWorkspace,
} from './directory-records.ts';

/** Who asks for a change, for the audit. */
export interface Actor {
  /** A user's id; `system` for the gateway itself. */
  readonly user_id: string;
  /** The id of the token it came with; empty where there is none. */
  readonly via: string;
}

export interface NewUser {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly session_mode: SessionMode | null;
  readonly identities: readonly StoredIdentity[];
}

export interface UserChange {
  readonly id: string;
  readonly name?: string;
  readonly role?: Role;
  readonly session_mode?: SessionMode | null;
}

export type NewPairing = Omit<StoredPairing, 'id' | 'origin' | 'created_at'>;

/** Somebody in a conversation of a channel. */
export type SenderThere = Pick<
  StoredPairing,
  'channel' | 'channel_type' | 'channel_id' | 'platform_id' | 'display_name' | 'workspace_id'
>;

/** A conversation of an owner with the agent alone. */
export interface OwnerPlace {
  readonly user_id: string;
  /** The channel's instance. */
  readonly channel: string;
  readonly channel_id: string;
}

/** A code without what it is compared with. */
export type CodeRow = Omit<StoredCode, 'hash'>;

/** What came of a code that somebody sent. */
export type CodeOutcome =
  | { readonly outcome: 'paired'; readonly pairing: StoredPairing }
  /** It is none, or none any more; and they are let in on this channel already. */
  | { readonly outcome: 'known' }
  /** There is none, or its time is over; `left`: how many more may be tried. */
  | { readonly outcome: 'wrong'; readonly left: number }
  /** Too many were wrong; `until` in epoch milliseconds. */
  | { readonly outcome: 'locked'; readonly until: number }
  /** It is good, and not for them: they are kept out, or are somebody else here. */
  | { readonly outcome: 'refused' };

export type NewWorkspace = Pick<StoredWorkspace, 'id' | 'description' | 'members' | 'bindings'>;
export type WorkspaceChange = Pick<NewWorkspace, 'id'> & Partial<Omit<NewWorkspace, 'id'>>;

export type NewToken = Omit<StoredToken, 'created_at' | 'last_used_at'>;

/** A token without what it is compared with. */
export type TokenRow = Omit<StoredToken, 'hash'>;

/** Every change by the type of its message: what it takes and what it answers when it is durable. */
export type DirectoryChanges = {
  /** `conflict`: the id, or one of the identities, is taken. */
  readonly 'user.create': { readonly body: NewUser; readonly reply: StoredUser };
  readonly 'user.update': { readonly body: UserChange; readonly reply: StoredUser };
  /** Their pairings and tokens go with them. */
  readonly 'user.delete': { readonly body: { readonly id: string }; readonly reply: StoredUser };
  /** Begins to erase all that is held about somebody, whether they are a user here or not; one under way is answered again. */
  readonly 'user.erase': {
    readonly body: { readonly id: string; readonly workspaces: readonly string[] };
    readonly reply: StoredErasure;
  };
  /** An erasure is done: nothing of them is left. */
  readonly 'user.erased': {
    readonly body: { readonly id: string; readonly sessions: number; readonly workspaces: number };
    readonly reply: StoredErasure;
  };
  readonly 'user.link': {
    readonly body: { readonly id: string; readonly identity: StoredIdentity };
    readonly reply: StoredUser;
  };
  readonly 'user.unlink': {
    readonly body: { readonly id: string; readonly channel: string; readonly platform_id: string };
    readonly reply: StoredUser;
  };
  /** Somebody writes on a channel that takes anybody: they become a guest, if they are nobody yet, and are let in. */
  readonly 'guest.register': { readonly body: SenderThere; readonly reply: { readonly user_id: string } };
  /** Somebody wants to be let in. `fresh`: nobody knew of it before, so they and the owners are told, this once. */
  readonly 'pairing.request': {
    readonly body: SenderThere;
    readonly reply: {
      readonly pairing: StoredPairing;
      readonly fresh: boolean;
      /** Where owners are to be told of it: conversations of theirs; none when it is not fresh. */
      readonly owners: readonly OwnerPlace[];
    };
  };
  /** `conflict`: they have one there. A pending or denied one may be nobody's yet. */
  readonly 'pairing.create': { readonly body: NewPairing; readonly reply: StoredPairing };
  /** One that becomes active and is nobody's makes a user of this role: `member` when none is given. */
  readonly 'pairing.change': {
    readonly body: {
      readonly id: string;
      readonly status: PairingStatus;
      readonly user_id?: string;
      readonly role?: Role;
    };
    readonly reply: StoredPairing;
  };
  /** The same for the pending one whose id begins or ends so; empty: the only one there is. */
  readonly 'pairing.answer': {
    readonly body: { readonly part: string; readonly decision: 'approve' | 'deny' };
    readonly reply: StoredPairing;
  };
  readonly 'code.create': { readonly body: Omit<StoredCode, 'created_at'>; readonly reply: CodeRow };
  readonly 'code.remove': { readonly body: { readonly id: string }; readonly reply: CodeRow };
  /** Somebody sent a code. Whoever asks has hashed it: see `codeHash`. */
  readonly 'code.redeem': {
    readonly body: Omit<SenderThere, 'workspace_id'> & { readonly hash: string };
    readonly reply: CodeOutcome;
  };
  /** `conflict`: there is one, or was. */
  readonly 'workspace.create': { readonly body: NewWorkspace; readonly reply: StoredWorkspace };
  readonly 'workspace.update': { readonly body: WorkspaceChange; readonly reply: StoredWorkspace };
  /** Nobody enters it any more. What was said in it stays, and its id is not given again. */
  readonly 'workspace.delete': { readonly body: { readonly id: string }; readonly reply: StoredWorkspace };
  readonly 'pairing.delete': { readonly body: { readonly id: string }; readonly reply: StoredPairing };
  readonly 'token.create': { readonly body: NewToken; readonly reply: TokenRow };
  readonly 'token.revoke': { readonly body: { readonly id: string }; readonly reply: TokenRow };
  readonly 'tokens.used': {
    readonly body: { readonly at: Readonly<Record<string, number>> };
    readonly reply: Record<string, never>;
  };
  /** No new turns are begun until `agent.resume`; those that run are finished. One pause after another keeps the first. */
  readonly 'agent.pause': {
    readonly body: { readonly reason: string };
    readonly reply: { readonly paused: StoredPause };
  };
  /** Turns are begun again, those that waited first. */
  readonly 'agent.resume': { readonly body: Record<string, never>; readonly reply: { readonly paused: null } };
  /** Something was done elsewhere that belongs in the audit: ask this first, and do it when it is answered. */
  readonly 'audit.note': { readonly body: AuditNote; readonly reply: Record<string, never> };
};

export type DirectoryChange = keyof DirectoryChanges & string;

/** One change with what it takes. */
export type DirectoryCommand = {
  readonly [T in DirectoryChange]: { readonly type: T; readonly body: DirectoryChanges[T]['body'] };
}[DirectoryChange];

/**
 * The messages: each change with who asks; answered when durable, with the row a read must have reached to see it, and the
 * version of the table that has it.
 */
export type DirectoryProtocol = {
  readonly [T in DirectoryChange]: {
    readonly body: DirectoryChanges[T]['body'] & { readonly by: Actor };
    readonly reply: { readonly seq: number; readonly body: DirectoryChanges[T]['reply']; readonly table?: number };
  };
};

const CHANGES: { readonly [T in DirectoryChange]: true } = {
  'user.create': true,
  'user.update': true,
  'user.delete': true,
  'user.erase': true,
  'user.erased': true,
  'user.link': true,
  'user.unlink': true,
  'guest.register': true,
  'pairing.request': true,
  'pairing.create': true,
  'pairing.change': true,
  'pairing.answer': true,
  'pairing.delete': true,
  'code.create': true,
  'code.remove': true,
  'code.redeem': true,
  'workspace.create': true,
  'workspace.update': true,
  'workspace.delete': true,
  'token.create': true,
  'token.revoke': true,
  'tokens.used': true,
  'agent.pause': true,
  'agent.resume': true,
  'audit.note': true,
};

/** Whether a message's type is a change of the directory. */
export function isDirectoryChange(type: string): type is DirectoryChange {
  return Object.hasOwn(CHANGES, type);
}
