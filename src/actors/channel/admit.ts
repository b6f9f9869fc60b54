// SPDX-License-Identifier: Apache-2.0
// Who sent a message of a chat platform, whether they may, and where it belongs. Pure, over the frozen routing table.

import { receive } from '../../agent/receive.ts';
import type { ChannelInbound } from '../../channels/adapter.ts';
import { type Failure, failure } from '../../errors.ts';
import { barredAs, mayWrite, personalWorkspace } from '../../security/membership.ts';
import { uuidOf } from '../../stores/computed-id.ts';
import { codeHash } from '../../stores/directory-codes.ts';
import type { Role } from '../../stores/directory-records.ts';
import type { DirectoryTable, PairedHere } from '../../stores/directory-table.ts';
import type { Admission, Admitted, ChannelDoor, SenderHere } from './admission.ts';
import { chatCommand } from './chat-command.ts';
import type { Placed, RoutingTable } from './place.ts';
import { sessionOf } from './session-of.ts';

/** The longest id of a platform that is looked at, in UTF-16 units. */
const ID_MOST = 500;
/** The longest key of a message that is kept as it is. */
const KEY_MOST = 100;
/** The most of a name somebody calls themselves. */
const NAME_MOST = 200;
const NONE: readonly PairedHere[] = [];

/** What becomes of a message. Linear in its length; nothing is asked, nothing remembered, and nobody's table grows by it. */
export function admit(message: ChannelInbound, door: ChannelDoor, routing: RoutingTable): Admission {
  if (!message.direct && !message.mentionsAgent && door.respond !== 'always')
    return { kind: 'ignore', reason: 'not_addressed' };
  const { people } = routing;
  const { platformId } = message.sender;
  if (!isId(platformId) || !isId(message.channelId)) return refuse(door, 'not_paired', 'Its sender has no usable id.');
  const known = people.identityOf(door.type, platformId);
  const all = people.pairingsOf(door.type, platformId) ?? NONE;
  const bound = people.bindingOf(door.name, message.channelId);
  const pairing = all.length === 0 ? undefined : pairingHere(all, door.name, bound, known);
  const command = chatCommand(message.content);
  const who: Who = { known, pairing, bound };
  if (pairing?.status === 'denied' && !isOwner(people, known))
    return refuse(door, 'not_paired', `${door.name}: the sender is kept out.`);
  if (command?.name === 'pair')
    return { kind: 'redeem_code', sender: senderOf(message, door, bound), hash: codeHash(door.name, command.code) };
  const entry = enter(who, message, door, people);
  if ('kind' in entry) return entry;
  const { user_id, role, workspace_id } = entry;
  const written = mayWrite(people, user_id);
  if (!written.allowed) return { kind: 'refuse', say: null, failure: failure('forbidden', written.reason) };
  const out = outside(entry, pairing, people);
  if (out !== null) return { kind: 'refuse', say: sayTo(door, known, out), failure: out };
  const admitted: Admitted = {
    user_id,
    role,
    workspace_id,
    direct: message.direct,
    session_id: sessionOf({
      ...{ workspace_id, user_id, direct: message.direct },
      session_mode: people.sessionModeOf(user_id) ?? routing.session_mode,
      ...{ channel: door.name, channel_id: message.channelId, thread_id: message.threadId ?? '' },
    }),
    ...(role === 'owner' && message.direct && bound === undefined && pairing === undefined
      ? { learn: senderOf(message, door, bound) }
      : {}),
  };
  if (command !== null) return { kind: 'command', admitted, command };
  const placed = placedOf(message, door, admitted, routing);
  return 'code' in placed
    ? { kind: 'refuse', say: placed.message, failure: placed }
    : { kind: 'deliver', admitted, placed };
}

/** What is known of a sender before anything is decided. */
interface Who {
  /** Who they are wherever they write from. */
  readonly known: string | undefined;
  /** Theirs on this channel, for where the conversation belongs. */
  readonly pairing: PairedHere | undefined;
  /** The workspace the conversation is bound to. */
  readonly bound: string | undefined;
}

/** Somebody who is let in by the channel, and where to. */
interface Entry {
  readonly user_id: string;
  readonly role: Role;
  readonly workspace_id: string;
}

/**
 * Their pairing for a conversation: of the workspace it is bound to; else their own workspace's; else the first that names
 * one, which then is where they write.
 */
function pairingHere(
  all: readonly PairedHere[],
  channel: string,
  bound: string | undefined,
  known: string | undefined,
): PairedHere | undefined {
  let named: PairedHere | undefined;
  for (const one of all) {
    if (one.channel !== channel) continue;
    // What somebody was let in as whom they are not any more lets in nobody.
    if (one.status === 'active' && known !== undefined && one.user_id !== known) continue;
    if (one.workspace_id === (bound ?? '')) return one;
    if (bound === undefined && one.status === 'active') named ??= one;
  }
  return named;
}

/** Whether the channel lets a sender in, and as whom. */
function enter(who: Who, message: ChannelInbound, door: ChannelDoor, people: DirectoryTable): Entry | Admission {
  const { known, pairing, bound } = who;
  const active = pairing?.status === 'active' ? pairing : undefined;
  // What a person said holds over what somebody was once let in as.
  const user_id = known ?? active?.user_id ?? '';
  const role = user_id === '' ? undefined : people.roleOf(user_id);
  // Somebody looked at them: an open channel's guests are strangers to every other kind.
  const vouched = known !== undefined || (active !== undefined && active.origin !== 'open');
  const entry = (): Entry | Admission =>
    role === undefined
      ? refuse(door, 'not_paired', `There is no user ${user_id} here.`)
      : { user_id, role, workspace_id: bound ?? (active?.workspace_id || personalWorkspace(user_id)) };
  if (vouched && role === 'owner') return entry();
  switch (door.pairing) {
    case 'closed':
      return refuse(door, 'not_paired', `${door.name} is for owners only.`);
    case 'allowlist':
      if (!door.allowlist.has(message.sender.platformId))
        return refuse(door, 'not_paired', `${door.name}: the sender is not listed.`);
      break;
    case 'open':
      break;
    case 'pair_on_request':
      if (vouched) return entry();
      if (pairing?.status === 'pending') return { kind: 'ignore', reason: 'already_asked' };
      return { kind: 'request_pairing', request: senderOf(message, door, bound) };
    case 'pair_with_code':
      if (vouched) return entry();
      return refuse(door, 'not_paired', `${door.name}: the sender has sent no code.`);
    default:
      return door.pairing satisfies never;
  }
  if (known !== undefined || active !== undefined) return entry();
  return { kind: 'register_guest', guest: senderOf(message, door, bound) };
}

/** Why somebody who was let in by the channel may not enter the workspace; null: they may. */
function outside(
  { user_id, role, workspace_id }: Entry,
  pairing: PairedHere | undefined,
  people: DirectoryTable,
): Failure | null {
  const own = workspace_id === personalWorkspace(user_id);
  if (!own && people.membersOf(workspace_id) === undefined)
    return failure('not_found', `There is no workspace ${workspace_id} any more.`);
  const paired = pairing?.status === 'active' && pairing.user_id === user_id && pairing.workspace_id === workspace_id;
  // A pairing holds for this channel; what another channel's lets in does not count here.
  if (paired) return null;
  const out = barredAs(role, { roleOf: people.roleOf, membersOf: people.membersOf }, user_id, workspace_id);
  return out === null ? null : failure('not_a_member', out.reason);
}

function placedOf(
  message: ChannelInbound,
  door: ChannelDoor,
  { user_id, workspace_id, direct, session_id }: Admitted,
  routing: RoutingTable,
): Placed | Failure {
  const content = receive(message.content, { max_bytes: routing.content_most }, message.attachments.length > 0);
  if (!content.ok) return content.failure;
  return {
    session_id,
    deliver: {
      message_id: messageKey(door.name, message.dedupeKey),
      user_id,
      channel: `channel/${door.name}`,
      content: content.content,
      model: '',
      queue: routing.queue,
      workspace_id,
      open: true,
      // A group is one session for all in it.
      any_user: !direct,
      any_workspace: false,
      conversation: true,
      directory: routing.people.version,
    },
    share: door.name,
  };
}

/** The key a message is known by: of its channel, because one session may have several. */
function messageKey(channel: string, dedupeKey: string): string {
  return dedupeKey.length <= KEY_MOST ? `${channel}:${dedupeKey}` : uuidOf(`message\0${channel}\0${dedupeKey}`);
}

function senderOf(message: ChannelInbound, door: ChannelDoor, bound: string | undefined): SenderHere {
  const { platformId, displayName } = message.sender;
  return {
    channel: door.name,
    channel_type: door.type,
    channel_id: message.channelId,
    platform_id: platformId,
    display_name: shownName(displayName),
    workspace_id: bound ?? '',
  };
}

/** A name as it can be shown on one line: without what turns a terminal or the direction of a text. */
function shownName(name: string): string {
  return name
    .slice(0, NAME_MOST)
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .trim();
}

function isId(id: string): boolean {
  return id !== '' && id.length <= ID_MOST && !id.includes('\0');
}

function isOwner(people: DirectoryTable, known: string | undefined): boolean {
  return known !== undefined && people.roleOf(known) === 'owner';
}

/** Who is kept out is told nothing, or the one sentence that is configured. */
function refuse(door: ChannelDoor, code: 'not_paired', why: string): Admission {
  return { kind: 'refuse', say: door.denied_reply === '' ? null : door.denied_reply, failure: failure(code, why) };
}

/** Somebody who is known is told what is wrong; a stranger what strangers are. */
function sayTo(door: ChannelDoor, known: string | undefined, { message }: Failure): string | null {
  if (known !== undefined) return message;
  return door.denied_reply === '' ? null : door.denied_reply;
}
