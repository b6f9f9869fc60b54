// SPDX-License-Identifier: Apache-2.0
// What requests may say about users, pairings, tokens, the audit and usage.

import { z } from 'zod';
import { WorkspaceId } from './fields.ts';
import { cursor, limit } from './requests.ts';

const wellFormed = (text: string): boolean => text.isWellFormed();
/** Text that has a length, and no controls that would turn a terminal or a log. */
const line = (max: number) =>
  z
    .string()
    .max(max)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: to keep them out is the point.
    .regex(/^[^\u0000-\u001f\u007f]*$/, { error: 'holds control characters' })
    .refine(wellFormed, { error: 'is not well-formed Unicode' });
const some = (max: number) => line(max).min(1, { error: 'is empty' });

const UserId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9:_-]{0,54}$/, {
    error: 'is not an id of a user: lowercase letters, digits, ":", "_" and "-", at most 55 long',
  })
  .describe('Short id.');
export const Role = z.enum(['owner', 'admin', 'member', 'guest']).describe('What they may do.');
export const SessionMode = z.enum(['unified', 'per_channel']).nullable().describe('Null: as `sessions.mode`.');
const channelType = some(64).describe('Type of channel, such as `telegram`.');
const platformId = some(500).describe('Their id on that platform.');
const permission = z.string().regex(/^[A-Za-z0-9*][A-Za-z0-9*._:/@-]{0,199}$/, {
  error: 'is not a permission such as `admin:*` or `workspace:homelab`',
});
const when = (what: string) =>
  z.iso
    .datetime({ offset: true, error: 'is not a time such as 2026-11-20T12:00:00Z' })
    .optional()
    .describe(`${what} RFC 3339.`);

export const IdentityRequest = z
  .strictObject({ channel: channelType, platform_id: platformId, display_name: line(200).default('') })
  .describe('Who a user is on a platform.');

export const UserRequest = z
  .strictObject({
    id: UserId,
    name: line(200).default('').describe('Name shown.'),
    role: Role.default('member'),
    session_mode: SessionMode.default(null),
    identities: z.array(IdentityRequest).max(100).default([]),
  })
  .describe('A new user.');

export const UserChangeRequest = z
  .strictObject({ name: line(200).optional(), role: Role.optional(), session_mode: SessionMode.optional() })
  .describe('What is to change; the rest stays.');

export const Status = z.enum(['active', 'pending', 'denied']);

export const PairingRequest = z
  .strictObject({
    user_id: z
      .union([UserId, z.literal('')])
      .default('')
      .describe('Empty: nobody’s yet.'),
    channel: some(64).describe('Name of the channel.'),
    channel_type: channelType,
    channel_id: some(500).describe("The platform's id of the conversation: what is to be said about it is said there."),
    platform_id: platformId.optional().describe('Who writes; called as the conversation is when absent.'),
    display_name: line(200).default('').describe('What they call themselves.'),
    workspace_id: z
      .union([WorkspaceId, z.literal('')])
      .default('')
      .describe('Where it holds; empty: their own workspace.'),
    status: Status.default('pending'),
  })
  .describe('A new pairing.');

export const PairingChangeRequest = z
  .strictObject({
    status: Status,
    user_id: UserId.optional().describe('It becomes this user’s.'),
    role: Role.optional().describe('What somebody new is who is let in (default `member`).'),
  })
  .describe('What becomes of a pairing.');

export const CodeRequest = z
  .strictObject({
    channel: some(64).describe('Name of the channel on which alone it is good.'),
    workspace_id: z
      .union([WorkspaceId, z.literal('')])
      .default('')
      .describe('Where they are let in; empty: their own workspace.'),
    user_id: z
      .union([UserId, z.literal('')])
      .default('')
      .describe('Who they are then; empty: somebody new.'),
    role: Role.default('member').describe('What somebody new is.'),
  })
  .describe('A new pairing code.');

const workspaceFields = {
  description: line(2000).describe('What it is for.'),
  members: z.array(UserId).max(10_000).describe('Ids of users.'),
  bindings: z
    .array(
      z.strictObject({
        channel: some(64).describe('Name of a channel.'),
        channel_id: some(500).describe("The platform's id of the conversation."),
      }),
    )
    .max(1_000)
    .describe('Conversations that belong to it.'),
};

export const WorkspaceRequest = z
  .strictObject({
    id: WorkspaceId.describe('Short id.'),
    description: workspaceFields.description.default(''),
    members: workspaceFields.members.default([]),
    bindings: workspaceFields.bindings.default([]),
  })
  .describe('A new workspace.');

export const WorkspaceChangeRequest = z
  .strictObject({
    description: workspaceFields.description.optional(),
    members: workspaceFields.members.optional(),
    bindings: workspaceFields.bindings.optional(),
  })
  .describe('What is to change; the rest stays.');

export const TokenRequest = z
  .strictObject({
    user_id: UserId.optional().describe('The user who speaks with it; the caller when absent.'),
    name: line(200).default('').describe('What it is for.'),
    permissions: z.array(permission).max(100).nullable().default(null).describe('Null: whatever its user may.'),
    expires_at: z.iso
      .datetime({ offset: true })
      .nullable()
      .default(null)
      .describe('When it stops being one, RFC 3339; null: as the token it is made with.'),
  })
  .describe('A new token.');

/** What a code looks like is nobody's business here: it fits or does not. */
const Secret = z.string().min(1).max(8_192);

export const SignInRequest = z
  .strictObject({
    code: Secret.optional().describe('The code of a link that was asked for with a token, good once for a minute.'),
    token: Secret.optional().describe('A token itself, instead.'),
  })
  .refine(({ code, token }) => (code === undefined) !== (token === undefined), {
    error: 'one of `code` and `token` is wanted',
  })
  .describe('What signs a browser in: either of the two.');

export const EraseRequest = z
  .strictObject({
    confirm: z.string().max(64).describe('The id of the user once more: nothing of it can be taken back.'),
  })
  .describe('That everything about somebody is to be erased.');

export const PairingsQuery = z.object({
  user_id: z.string().max(64).optional().describe('Only those of this user.'),
  channel: z.string().max(64).optional().describe('Only those of this channel.'),
  status: Status.optional().describe('Only those with this status.'),
  limit,
  cursor,
});

export const TokensQuery = z.object({
  user_id: z.string().max(64).optional().describe('Only those of this user.'),
  limit,
  cursor,
});

export const AuditsQuery = z.object({
  action: z.string().max(200).optional().describe('Only this action, such as `token.created`.'),
  actor: z.string().max(200).optional().describe('Only what this user did.'),
  plugin: z.string().max(200).optional().describe('Only what was done by this plugin.'),
  workspace: z.string().max(64).optional().describe('Only what is of this workspace.'),
  from: when('Nothing before.'),
  to: when('Only what is before.'),
  limit,
  cursor,
});

export const AuditVerifyQuery = z.object({
  kept: z
    .string()
    .regex(/^[0-9]{1,15}:[0-9a-f]{64}$/, { error: 'is not a head such as 12:9f86d0…' })
    .optional()
    .describe('A head that was kept somewhere else, as `n:hash`: the entries up to it must be the same.'),
});

export const UsageQuery = z.object({
  by: z
    .enum(['total', 'provider', 'model', 'workspace', 'user', 'session'])
    .default('model')
    .describe('What is added up; `total` is everything in one.'),
  workspace: WorkspaceId.optional().describe('Only what was used in this workspace; not by user, which is not kept.'),
  from: when('The hour that holds this and those after it.'),
  to: when('Hours that begin before.'),
  per: z.enum(['all', 'hour', 'day']).default('all').describe('One sum, or one for each hour or day (UTC).'),
  limit,
  cursor,
});
