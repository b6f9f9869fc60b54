// SPDX-License-Identifier: Apache-2.0
// What is answered about users, pairings, tokens, secrets, the audit and usage. Loaded only to make the OpenAPI document; the rest is types.

import { z } from 'zod';
import type { DeepReadonly } from '../../config/schema.ts';
import { Role, SessionMode, Status } from './directory.ts';
import { listOf, Time } from './fields.ts';

const Identity = z.object({ channel: z.string(), platform_id: z.string(), display_name: z.string() });
const configured = z.boolean().describe('It stands in the configuration file, where alone it can be changed.');

export const User = z
  .object({
    id: z.string(),
    name: z.string(),
    role: Role,
    session_mode: SessionMode,
    identities: z.array(Identity),
    configured,
    created_at: Time.nullable().describe('Null for one in the configuration.'),
    updated_at: Time.nullable(),
  })
  .describe('A user.');

export const Pairing = z
  .object({
    id: z.string(),
    user_id: z.string().describe('Empty: nobody’s yet.'),
    channel: z.string(),
    channel_type: z.string(),
    channel_id: z.string().describe('The conversation it came from.'),
    platform_id: z.string().describe('Who writes.'),
    display_name: z.string().describe('What they call themselves.'),
    workspace_id: z.string().describe('Where it holds; empty: their own workspace.'),
    status: Status,
    origin: z
      .enum(['open', 'request', 'code', 'made'])
      .describe('Let in by an open channel, at their request, by a code, or made.'),
    created_at: Time,
  })
  .describe('That somebody may write by a channel in a workspace, or wants to, or may not.');

export const NewCode = z
  .object({
    id: z.string(),
    code: z.string().describe('The code itself: it is told this once and kept nowhere.'),
    channel: z.string(),
    workspace_id: z.string(),
    user_id: z.string(),
    role: Role,
    created_at: Time,
    expires_at: Time,
  })
  .describe('A pairing code that was just made.');

export const WorkspaceDetail = z
  .object({
    id: z.string(),
    description: z.string(),
    configured,
    members: z.array(z.string()),
    bindings: z.array(z.object({ channel: z.string(), channel_id: z.string() })),
    created_at: Time.nullable().describe('Null for one in the configuration.'),
    updated_at: Time.nullable(),
  })
  .describe('A workspace with who is in it and which conversations belong to it.');

const tokenFields = {
  id: z.string(),
  user_id: z.string(),
  name: z.string(),
  permissions: z.array(z.string()).nullable().describe('Null: whatever its user may.'),
  configured,
  created_at: Time.nullable().describe('Null for one that was not made here.'),
  last_used_at: Time.nullable().describe('Null: never, or not noted; it is noted every ten minutes.'),
  expires_at: Time.nullable().describe('After this it is refused; null: it ends when it is revoked.'),
};

export const Token = z.object(tokenFields).describe('A token, without what it is.');
export const NewToken = z
  .object({ ...tokenFields, token: z.string().describe('The token itself: it is told this once and kept nowhere.') })
  .describe('A token that was just made.');

export const SignInLink = z
  .object({
    url: z.string().describe('Opened within the time, it signs the browser in, once.'),
    expires_at: Time,
  })
  .describe('A one-time link.');
export const SignedIn = z
  .object({
    user_id: z.string(),
    name: z.string().describe("The token's name."),
    permissions: z.array(z.string()),
    expires_at: Time.nullable().describe('When the session ends if nobody uses it, or the token; null: not by itself.'),
  })
  .describe('Who the caller is here.');

export const Removed = z.object({ id: z.string(), removed: z.literal(true) }).describe('It is gone.');

export const Erasure = z
  .object({
    id: z.string(),
    user_id: z.string(),
    status: z.enum(['running', 'done']).describe('It goes on by itself, over restarts too.'),
    began_at: Time,
    done_at: Time.nullable(),
  })
  .describe('The erasure of everything about somebody.');

const backend = z.enum(['keyring', 'file', 'env']).describe('What keeps it.');
const protection = z.enum(['passphrase', 'key']).optional().describe('What protects an encrypted file.');
const used_by = z.array(z.string()).describe('Settings that refer to it.');

export const Secret = z
  .object({
    name: z.string().describe('`service/account`.'),
    reference: z.string().describe('How the configuration refers to it.'),
    kept: z.boolean().describe('False: it is referred to and not there.'),
    set_at: Time.nullable().describe('Null where that is not known.'),
    used_by,
  })
  .describe('A secret by its name, never its value.');

export const Secrets = z
  .object({
    backend,
    place: z.string().describe('Where they are, in words.'),
    protection,
    items: z.array(Secret),
    next_cursor: z.string().nullable().describe('Where the next page begins; null on the last one.'),
  })
  .describe('All secrets that are kept or referred to.');

export const SecretSet = z
  .object({
    name: z.string(),
    reference: z.string(),
    backend,
    place: z.string(),
    protection,
    protection_changed: z.boolean().describe('Another than before protects the file from now on.'),
    used_by,
    restart: z.boolean().describe('Something that refers to it reads it when the gateway starts.'),
  })
  .describe('It is kept.');

export const SecretRemoved = z
  .object({ name: z.string(), backend, removed: z.literal(true), used_by })
  .describe('It is gone.');

export const AuditEntry = z
  .object({
    id: z.int().describe('Counts the entries from 1.'),
    at: Time,
    action: z.string(),
    actor: z.string(),
    plugin: z.string(),
    workspace_id: z.string(),
    session_id: z.string(),
    result: z.string(),
    details: z.record(z.string(), z.unknown()),
    hash: z.string().describe('SHA-256 over the entry before and this one, hex.'),
  })
  .describe('An entry of the audit.');

export const AuditCheck = z
  .object({
    checked: z.int().describe('Entries found sound, from the first on.'),
    broken: z
      .object({ n: z.int(), problem: z.enum(['changed', 'removed', 'inserted', 'moved']), message: z.string() })
      .nullable()
      .describe('The first entry that is not what was written; null when there is none.'),
    head: z.object({ n: z.int(), hash: z.string() }).describe('The newest entry, to be kept somewhere else.'),
  })
  .describe('What came of walking the chain.');

const usedFields = {
  calls: z.int(),
  input_tokens: z.int(),
  output_tokens: z.int(),
  cache_read_tokens: z.int(),
  cache_write_tokens: z.int(),
  settled_tokens: z.int().describe('Of calls that were interrupted, at what was reserved for them.'),
  cost_usd: z.number(),
};

export const Used = z
  .object({
    key: z
      .string()
      .describe('A provider, `provider/model`, or the id of a workspace, user or session; empty in a total.'),
    hour: Time.nullable().describe('When the hour or the day began; null in a sum over all.'),
    ...usedFields,
  })
  .describe('What was used.');

export const Users = listOf(User);
export const Pairings = listOf(Pairing);
export const Tokens = listOf(Token);
export const AuditEntries = listOf(AuditEntry);
export const Usages = listOf(Used).extend({
  totals: z.object(usedFields).nullable().describe('Of all pages together; null on those after the first.'),
});

export type UserAnswer = DeepReadonly<z.output<typeof User>>;
export type PairingAnswer = DeepReadonly<z.output<typeof Pairing>>;
export type NewCodeAnswer = DeepReadonly<z.output<typeof NewCode>>;
export type WorkspaceAnswer = DeepReadonly<z.output<typeof WorkspaceDetail>>;
export type SignInLinkAnswer = DeepReadonly<z.output<typeof SignInLink>>;
export type SignedInAnswer = DeepReadonly<z.output<typeof SignedIn>>;
export type TokenAnswer = DeepReadonly<z.output<typeof Token>>;
export type ErasureAnswer = DeepReadonly<z.output<typeof Erasure>>;
export type AuditAnswer = DeepReadonly<z.output<typeof AuditEntry>>;
export type UsedAnswer = DeepReadonly<z.output<typeof Used>>;
export type UsagesAnswer = DeepReadonly<z.output<typeof Usages>>;
