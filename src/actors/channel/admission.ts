// SPDX-License-Identifier: Apache-2.0
// What becomes of a message of a chat platform: delivered, carried out, asked about, refused or passed over. Types only.

import type { Failure } from '../../errors.ts';
import type { Role } from '../../stores/directory-records.ts';
import type { Allowlist } from './allowlist.ts';
import type { ChatCommand } from './chat-command.ts';
import type { Placed } from './place.ts';

export type PairingMode = 'open' | 'closed' | 'allowlist' | 'pair_on_request' | 'pair_with_code';

/** What of a channel's configuration says who is let in. Made once for each configuration: see `channelDoor`. */
export interface ChannelDoor {
  /** The instance: its name in the configuration. */
  readonly name: string;
  /** The platform: who somebody is goes by it. */
  readonly type: string;
  readonly pairing: PairingMode;
  readonly allowlist: Allowlist;
  readonly respond: 'mention' | 'always';
  /** The one sentence somebody who is kept out is told, at most once an hour; empty: nothing. */
  readonly denied_reply: string;
}

/** Somebody in a conversation of a channel: who a guest, a request or a code is about. */
export interface SenderHere {
  /** The channel's instance. */
  readonly channel: string;
  readonly channel_type: string;
  /** The conversation. */
  readonly channel_id: string;
  readonly platform_id: string;
  /** What they call themselves; shown, never trusted. */
  readonly display_name: string;
  /** The workspace the conversation is bound to; empty: the sender's own. */
  readonly workspace_id: string;
}

/** A message or a command with whose it is and where it belongs. */
export interface Admitted {
  readonly user_id: string;
  readonly role: Role;
  readonly workspace_id: string;
  /** Whether the conversation is this person's with the agent alone. */
  readonly direct: boolean;
  /**
   * The conversation's session, of the first generation: see `sessionOf`. Once `/new` was said its lane forwards to the
   * session that stands for it, whose id is in the answer.
   */
  readonly session_id: string;
  /**
   * Set where an owner writes from a conversation that is not known to be theirs: `ChatHouse.learn` remembers it, so that they
   * can be told there who asks to be let in.
   */
  readonly learn?: SenderHere;
}

export type IgnoreReason =
  /** In a group, and not for the agent. */
  | 'not_addressed'
  /** The sender asked to be let in, and nobody has answered yet. */
  | 'already_asked';

/** What becomes of a message. */
export type Admission =
  /** Ask `placed.deliver` of `session/<placed.session_id>`; its answer says which session took it. */
  | { readonly kind: 'deliver'; readonly admitted: Admitted; readonly placed: Placed }
  /** Give it to the executor of commands (`ChatCommands`). It costs no model call. */
  | { readonly kind: 'command'; readonly admitted: Admitted; readonly command: ChatCommand }
  /**
   * Ask `guest.register` with `guest` of `gateway/root`; once it is answered and the table has come so far (`at`), admit the
   * message again. A guest who is there already is answered as well.
   */
  | { readonly kind: 'register_guest'; readonly guest: SenderHere }
  /** Ask `pairing.request` with `request` of `gateway/root`; say what `requestSent` says, and tell the owners. */
  | { readonly kind: 'request_pairing'; readonly request: SenderHere }
  /** Ask `code.redeem` of `gateway/root` with the code's hash, never with the code. */
  | { readonly kind: 'redeem_code'; readonly sender: SenderHere; readonly hash: string }
  /** `say` is what the sender may be told, at most once an hour (`RefusalReplies`); null: nothing. */
  | { readonly kind: 'refuse'; readonly say: string | null; readonly failure: Failure }
  | { readonly kind: 'ignore'; readonly reason: IgnoreReason };
