// SPDX-License-Identifier: Apache-2.0
// The part of the configuration about who and what surrounds the agent: workspaces, users, channels, tools, plugins.

import { z } from 'zod';
import {
  capabilityPattern,
  entryName,
  fieldFacts,
  free,
  httpUrl,
  modelName,
  secret,
  shaped,
  text,
  userId,
  workspaceId,
} from './fields.ts';
import { dollars, sessionMode, tokens } from './schema-agent.ts';

const workspaceBudgets = z.strictObject({
  per_session_tokens: tokens().optional().describe('0 = no limit; unset = as `models.budgets`.'),
  per_hour_tokens: tokens().optional().describe('0 = no limit.'),
  per_day_tokens: tokens().optional().describe('0 = no limit.'),
  per_hour_usd: dollars().optional().describe('0 = no limit.'),
  per_day_usd: dollars().optional().describe('0 = no limit.'),
  unknown_price: z.enum(['allow', 'deny']).optional().describe('Unset = as `models.budgets`.'),
});

/** `workspaces`: rooms with their own members, tools, skills and memory. */
export const workspaces = z
  .record(
    workspaceId(),
    z.strictObject({
      description: text(2000).default('').describe('What it is for.'),
      members: z.array(userId()).max(10_000).default([]).describe('User ids.'),
      model: modelName().default('').describe('`provider/model`; empty = `models.default`.'),
      tools: z
        .strictObject({
          allow: z
            .array(capabilityPattern())
            .max(1000)
            .optional()
            .describe('Tools and the capabilities they need; unset = the safe built-ins and what they need.'),
          deny: z.array(capabilityPattern()).max(1000).default([]).describe('Taken away from `allow`.'),
        })
        .prefault({})
        .describe('Which tools may be used.'),
      skills: z
        .array(text(64))
        .max(1000)
        .optional()
        .describe('Names of skills, its own before shared ones; unset = all of its own.'),
      bindings: z
        .array(
          z.strictObject({
            channel: entryName().describe('Name of a channel.'),
            channel_id: text(500).describe("The platform's id of the conversation."),
          }),
        )
        .max(10_000)
        .default([])
        .describe('Conversations that belong to it.'),
      nodes: z
        .strictObject({ allow: z.array(text(200)).max(1000).default([]).describe('Names of nodes.') })
        .prefault({})
        .describe('Which nodes may be used.'),
      budgets: workspaceBudgets.prefault({}).describe('Limits of this workspace.'),
    }),
  )
  .default({})
  .describe('Id -> workspace.');

/** `users`: people known from the start. */
export const users = z
  .array(
    z.strictObject({
      id: userId().describe('Short id.'),
      name: text(200).default('').describe('Name shown.'),
      role: z.enum(['owner', 'admin', 'member', 'guest']).default('member').describe('What they may do.'),
      session_mode: sessionMode.optional().describe('Unset = `sessions.mode`.'),
      identities: z
        .array(
          z.strictObject({
            channel: text(64).describe('Type of channel.'),
            platform_id: text(500).describe('Their id on that platform.'),
          }),
        )
        .max(100)
        .default([])
        .describe('Who they are on each platform.'),
    }),
  )
  .max(100_000)
  .default([])
  .describe('People known from the start.');

/** `channels`: connections to chat platforms, by name; each type adds keys of its own. */
export const channels = z
  .record(
    entryName(),
    z
      .object({
        type: text(64).optional().describe("Platform; unset = the entry's name."),
        pairing: z
          .enum(['open', 'closed', 'allowlist', 'pair_on_request', 'pair_with_code'])
          .default('pair_on_request')
          .describe('How an unknown sender is met.'),
        allowlist: z
          .array(text(500))
          .max(100_000)
          .default([])
          .describe('Platform ids, exact or glob, for `pairing: allowlist`.'),
        respond: z.enum(['mention', 'always']).default('mention').describe('When the agent answers in a group.'),
        denied_reply: text(500)
          .default('')
          .describe('One sentence for who is kept out, at most once an hour each; empty = they are told nothing.'),
        redeliver: z
          .boolean()
          .default(true)
          .describe('Send again what may already have been sent when a crash leaves it unknown.'),
      })
      .catchall(free()),
  )
  .default({})
  .describe('Name -> connection to a chat platform, with the keys of its type.');

/** `mcp`: servers of tools. */
export const mcp = z
  .record(
    entryName(),
    z.strictObject({
      command: text(4096).optional().describe('Program to run; it speaks over its stdin and stdout.'),
      args: z.array(text(4096)).max(1000).default([]).describe('Its arguments.'),
      env: z
        .record(shaped(/^[A-Za-z_][A-Za-z0-9_]*$/, 'an environment variable name'), secret())
        .register(fieldFacts, { kind: 'env_map' })
        .default({})
        .describe('Its environment, besides PATH, HOME and LANG.'),
      url: httpUrl().optional().describe('Address of a server that already runs (streamable HTTP).'),
      headers: z
        .record(shaped(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, 'a header name'), secret())
        .default({})
        .describe('Sent with every request.'),
    }),
  )
  .default({})
  .describe(
    'Name (without ".") -> MCP server, by `command` or by `url`; workspaces allow its tools as `tool.mcp.NAME.*`.',
  );

const toggle = (what: string) =>
  z
    .strictObject({ enabled: z.boolean().default(false).describe('Offer it.') })
    .prefault({})
    .describe(what);

/** `tools`: built-in tools that are off until asked for. */
export const tools = z
  .strictObject({
    web_fetch: toggle('Reads public web pages.'),
    exec_sandboxed: toggle('Runs commands in the sandbox.'),
  })
  .prefault({})
  .describe('Built-in tools that are off by default.');

/** `plugins`: code of others. */
export const plugins = z
  .strictObject({
    dir: text(4096).default('').describe('Where plugins are; empty = `plugins` in the data directory.'),
    trust: z.record(entryName(), text(200)).default({}).describe('Plugin -> how far it is trusted.'),
    config: z.record(entryName(), z.record(z.string(), free())).default({}).describe('Plugin -> its own settings.'),
  })
  .prefault({})
  .describe('Plugins.');
