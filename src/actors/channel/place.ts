// SPDX-License-Identifier: Apache-2.0
// Identify, authorise, place: from a message as it arrived to the session it belongs to. Pure, over a frozen routing table.

import { receive } from '../../agent/receive.ts';
import { type Failure, failure } from '../../errors.ts';
import { isPersonal, personalWorkspace } from '../../security/membership.ts';
import { permits } from '../../security/permission.ts';
import { uuidOf } from '../../stores/computed-id.ts';
import type { SessionMode } from '../../stores/directory-records.ts';
import type { DirectoryTable } from '../../stores/directory-table.ts';
import type { QueueMode } from '../../stores/records.ts';
import { refusedSender } from '../refused-sender.ts';
import type { Deliver } from '../session/protocol.ts';
import type { Inbound, Sender } from './protocol.ts';

/** Who may write where: replaced whole when the config or the directory changes. */
export interface RoutingTable {
  readonly people: DirectoryTable;
  readonly queue: QueueMode;
  /** Of those who have none of their own: `sessions.mode`. */
  readonly session_mode: SessionMode;
  /** Longest message in bytes of UTF-8. */
  readonly content_most: number;
}

export interface Placed {
  readonly session_id: string;
  readonly deliver: Deliver;
  /** See {@link Inbound}. */
  readonly share: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const WORKSPACE = /^[a-z0-9][a-z0-9:_-]{0,63}$/;

/** @param channel the address of the channel it came by */
export function place(inbound: Inbound, channel: string, routing: RoutingTable): Placed | Failure {
  const content = receive(inbound.content, { max_bytes: routing.content_most }, (inbound.attachments?.length ?? 0) > 0);
  if (!content.ok) return content.failure;
  const { sender, message_id, session_id, model } = inbound;
  const nobody = refusedSender(routing.people, sender.user_id, '', true);
  if (nobody !== null) return nobody;
  const workspace_id =
    inbound.workspace_id === '' && session_id === '' ? personalWorkspace(sender.user_id) : inbound.workspace_id;
  if (workspace_id !== '') {
    const refused = mayEnter(sender, workspace_id, routing);
    if (refused !== null) return refused;
  }
  if (session_id !== '' && !UUID.test(session_id))
    return failure('not_found', 'There is no session with that id; a session id is a UUID.');
  const deliver: Deliver = {
    message_id,
    user_id: sender.user_id,
    channel,
    content: content.content,
    ...(inbound.attachments === undefined ? {} : { attachments: inbound.attachments }),
    model,
    queue: inbound.queue ?? routing.queue,
    workspace_id,
    open: session_id === '',
    any_user: permits(sender.permissions, 'admin:sessions'),
    any_workspace: permits(sender.permissions, 'admin:workspaces'),
    directory: routing.people.version,
  };
  return {
    session_id: session_id === '' ? newSessionId(sender.user_id, workspace_id, message_id) : session_id.toLowerCase(),
    deliver,
    share: inbound.share,
  };
}

/** Why a sender may not enter a workspace, or null. */
export function mayEnter(
  sender: Sender,
  workspace_id: string,
  { people }: Pick<RoutingTable, 'people'>,
): Failure | null {
  if (!WORKSPACE.test(workspace_id)) {
    return failure(
      'validation_failed',
      'workspace_id: 1 to 64 characters of a-z, 0-9, ":", "_" and "-", beginning with a letter or digit.',
    );
  }
  const admin = permits(sender.permissions, 'admin:workspaces');
  const named = sender.permissions.filter((permission) => permission.startsWith('workspace:'));
  if (!admin && named.length > 0 && !permits(named, `workspace:${workspace_id}`)) {
    return failure('forbidden', `This token may not enter workspace ${workspace_id}.`);
  }
  const members = people.membersOf(workspace_id);
  if (workspace_id === personalWorkspace(sender.user_id)) return null;
  if (members === undefined && !isPersonal(workspace_id))
    return failure('not_found', `There is no workspace ${workspace_id}.`);
  if (admin || members?.has(sender.user_id) === true) return null;
  return failure('not_a_member', `${sender.user_id} is not a member of workspace ${workspace_id}.`);
}

/**
 * The id of a session that a first message opens: computed from who sent what where, so that a repetition of the message
 * finds the session it made. A UUIDv8 (RFC 9562 §5.8) over SHA-256.
 */
export function newSessionId(user_id: string, workspace_id: string, message_id: string): string {
  return uuidOf(`session\0${user_id}\0${workspace_id}\0${message_id}`);
}
