// SPDX-License-Identifier: Apache-2.0
// Who sent a message of a chat platform, whether they may, and where it belongs. Pure, over the frozen routing table.

import type { ChannelInbound } from '../../channels/adapter.ts';
import { failure } from '../../errors.ts';
import type { Admission, ChannelDoor } from './admission.ts';
import type { RoutingTable } from './place.ts';

/** What becomes of a message. Linear in the message's length; nothing is asked, nothing remembered. */
export function admit(_message: ChannelInbound, _door: ChannelDoor, _routing: RoutingTable): Admission {
  return { kind: 'refuse', say: null, failure: failure('not_paired', 'Nobody is known yet.') };
}
