// SPDX-License-Identifier: Apache-2.0
// Which session a conversation of a chat platform is, and its successors: computed, so that every channel reaches the same one.

import { uuidOf } from '../../stores/computed-id.ts';
import type { SessionMode } from '../../stores/directory-records.ts';

/** A conversation, as far as its session goes by it. */
export interface ConversationPlace {
  readonly workspace_id: string;
  readonly user_id: string;
  /** Between that person and the agent alone. */
  readonly direct: boolean;
  readonly session_mode: SessionMode;
  /** The channel's instance. */
  readonly channel: string;
  readonly channel_id: string;
  /** Empty: none. */
  readonly thread_id: string;
}

/**
 * What a session's id is computed from. A person's direct messages of all channels are one session in a workspace, unless
 * they want one for each channel; a group is one for all in it, and each of its threads one of its own.
 */
export function conversationKey(place: ConversationPlace): string {
  const { workspace_id, user_id, direct, session_mode, channel, channel_id, thread_id } = place;
  if (direct && session_mode === 'unified') return `unified\0${workspace_id}\0${user_id}`;
  const where = `${workspace_id}\0${channel}\0${channel_id}\0${thread_id}`;
  return direct ? `direct\0${where}\0${user_id}` : `group\0${where}`;
}

/** Ids that were computed, by their keys: what is written in is written in again soon. Emptied when it is full. */
const KNOWN = new Map<string, string>();
const KNOWN_MOST = 8_192;

/** The session of a conversation. Once `/new` was said, its lane forwards to the one that stands for it: {@link nextSession}. */
export function sessionOf(place: ConversationPlace): string {
  const key = conversationKey(place);
  const known = KNOWN.get(key);
  if (known !== undefined) return known;
  const id = uuidOf(`conversation\0${key}`);
  if (KNOWN.size >= KNOWN_MOST) KNOWN.clear();
  KNOWN.set(key, id);
  return id;
}

/**
 * The session that stands for a conversation once somebody began anew: computed, so that the same command twice makes one.
 *
 * @param first the conversation's first session
 * @param key of the message that said so: no two have the same, so that no session comes back
 */
export function nextSession(first: string, key: string): string {
  return uuidOf(`next\0${first}\0${key}`);
}
