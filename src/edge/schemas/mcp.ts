// SPDX-License-Identifier: Apache-2.0
// What is answered about MCP servers and their tools. Loaded only to make the OpenAPI document; the rest is types.

import { z } from 'zod';
import type { McpStatus } from '../../actors/mcp/protocol.ts';
import type { DeepReadonly } from '../../config/schema.ts';
import { listOf, Time } from './fields.ts';

const LastError = z.object({ code: z.string(), message: z.string(), at: Time }).nullable();

export const McpServer = z
  .object({
    name: z.string(),
    state: z
      .enum(['connecting', 'ready', 'retrying', 'quarantined', 'unreachable'])
      .describe(
        '`quarantined`: it was lost too often and rests until `retry_at`, or its entry is left out; `unreachable`: its actor did not answer.',
      ),
    transport: z.enum(['stdio', 'http']),
    server: z
      .object({ name: z.string(), version: z.string() })
      .nullable()
      .describe('What it says it is; null before it was connected to.'),
    tools: z.int().describe('Tools it offers now.'),
    skipped: z
      .array(z.object({ name: z.string(), why: z.string() }))
      .describe('The first 50 of its tools that are not offered.'),
    skipped_count: z.int().describe('All of those.'),
    in_flight: z.int(),
    calls: z.int(),
    failures: z.int().describe('Calls that came to no answer, or to one that says the tool failed.'),
    losses: z.int().describe('Times its connection was lost or could not be made.'),
    last_error: LastError,
    retry_at: Time.nullable().describe('When it is tried again; null when nothing is waited for.'),
    advice: z.string().nullable().describe('What to do about an entry that was left out.'),
  })
  .describe('An MCP server; figures are 0 while it does not run.');

export const McpServers = listOf(McpServer);

export const McpTool = z
  .object({
    name: z.string().describe('As models and the rules of workspaces know it: `mcp.SERVER.TOOL`.'),
    server: z.string(),
    description: z.string(),
    input_schema: z.record(z.string(), z.unknown()).describe('JSON Schema of its arguments.'),
    read_only: z.boolean().describe('Its server says that it only looks.'),
    idempotent: z.boolean().describe('Its server says that calling it again changes nothing more.'),
    destructive: z.boolean().describe('Its server says that it may destroy something: a person is asked first.'),
  })
  .describe('A tool of an MCP server.');

export const McpTools = listOf(McpTool);

export const McpReconnected = z
  .object({ state: z.string().describe('`connecting`.') })
  .describe('It is being connected to anew.');

export type McpItem = DeepReadonly<z.output<typeof McpServer>>;
export type McpToolItem = DeepReadonly<z.output<typeof McpTool>>;

/** What an actor says about itself is answered as it is. */
export const SAME = {
  status: (status: McpStatus): Omit<McpItem, 'advice'> => status,
};
