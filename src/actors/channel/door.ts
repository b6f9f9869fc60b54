// SPDX-License-Identifier: Apache-2.0
// Who a channel lets in, as its configuration says it: made once, because a list is compiled for it.

import type { ChannelDoor } from './admission.ts';
import { compileAllowlist } from './allowlist.ts';

/** What of a channel's entry is about who is let in. */
export interface DoorSettings extends Pick<ChannelDoor, 'pairing' | 'respond'> {
  /** Unset: the name of the entry. */
  readonly type?: string | undefined;
  readonly allowlist: readonly string[];
  readonly denied_reply: string;
}

/** @param name of the channel's entry */
export function channelDoor(name: string, settings: DoorSettings): ChannelDoor {
  const { type = name, pairing, allowlist, respond, denied_reply } = settings;
  return Object.freeze({ name, type, pairing, allowlist: compileAllowlist(allowlist), respond, denied_reply });
}
