// SPDX-License-Identifier: Apache-2.0
// The wall for lists of tools: what a server says it has becomes a frozen value within bounds, or is left out with the reason.

import { z } from 'zod';
import type { ServerTool, SkippedTool, ToolList } from '../actors/mcp/protocol.ts';
import { plainLine, plainText } from './plain-text.ts';

/** Tools of one server. */
export const TOOLS_MOST = 200;
/** A schema's bytes as JSON, and those of all schemas of a server together: each prompt carries them. */
export const SCHEMA_BYTES = 64 * 1024;
export const SCHEMAS_BYTES = 1024 * 1024;
/** Characters of a description, and of a name: what the specification allows. */
export const DESCRIPTION_MOST = 4_096;
export const NAME_MOST = 128;
/** Levels of a schema. */
const DEPTH_MOST = 32;
/** Tools left out that are told by name. */
const SKIPPED_TOLD = 50;

/** What the name of a tool may hold at its server: anything that people see. */
const SEEN = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]+$/u;

/**
 * A tool's name in the letters of capabilities, by which workspaces allow it: words of ASCII letters, digits, `_` and `-`
 * with dots between. The specification recommends no others.
 */
function fitted(name: string): string {
  return name
    .split('.')
    .map((word) => word.replaceAll(/[^A-Za-z0-9_-]/g, '_') || '_')
    .join('.');
}

const hint = z.boolean().optional().catch(undefined);
const Listed = z.object({
  name: z.string(),
  title: z.string().nullish().catch(undefined),
  description: z.string().nullish().catch(undefined),
  inputSchema: z.record(z.string(), z.unknown()),
  annotations: z.object({ readOnlyHint: hint, destructiveHint: hint, idempotentHint: hint }).nullish().catch(undefined),
  execution: z.object({ taskSupport: z.string().optional() }).nullish().catch(undefined),
});

/** A page of a list: each tool is looked at by itself, so that one that is wrong takes no other with it. */
export const ToolPage = z.object({ tools: z.array(z.unknown()), nextCursor: z.string().optional().catch(undefined) });

class Unfit extends Error {}

function plainSchema(value: unknown, key: string, depth: number): unknown {
  if (depth > DEPTH_MOST) throw new Unfit(`its schema is nested deeper than ${DEPTH_MOST} levels`);
  // Only what is for reading: a value or a pattern means what it says.
  if (typeof value === 'string')
    return key === 'description' || key === 'title' ? plainText(value, DESCRIPTION_MOST) : value;
  if (Array.isArray(value)) return Object.freeze(value.map((item) => plainSchema(item, '', depth + 1)));
  if (typeof value !== 'object' || value === null) return value;
  return Object.freeze(
    Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plainSchema(item, name, depth + 1)])),
  );
}

function schemaOf(schema: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const type = schema['type'] ?? 'object';
  if (type !== 'object') throw new Unfit('its arguments are no object');
  const plain = plainSchema({ ...schema, type }, '', 0) as Readonly<Record<string, unknown>>;
  if (Buffer.byteLength(JSON.stringify(plain)) > SCHEMA_BYTES)
    throw new Unfit(`its schema is larger than ${SCHEMA_BYTES / 1024} KiB`);
  return plain;
}

function toolOf(listed: z.infer<typeof Listed>): ServerTool {
  const { name, title, description, inputSchema, annotations, execution } = listed;
  if (name.length > NAME_MOST) throw new Unfit(`its name is longer than ${NAME_MOST} characters`);
  if (!SEEN.test(name)) throw new Unfit('its name holds characters that nobody sees');
  if (execution?.taskSupport === 'required') throw new Unfit('it runs only as a task, which is not supported');
  const said = description ?? title ?? '';
  const read_only = annotations?.readOnlyHint === true;
  return Object.freeze({
    name: fitted(name),
    original: name,
    description: plainText(said, DESCRIPTION_MOST),
    inputSchema: schemaOf(inputSchema),
    idempotent: read_only || annotations?.idempotentHint === true,
    read_only,
    destructive: !read_only && annotations?.destructiveHint === true,
  });
}

function nameOf(value: unknown): string {
  const { name } = (value ?? {}) as { readonly name?: unknown };
  return typeof name === 'string' && name !== '' ? plainLine(name, 64) : '(without a name)';
}

/** Makes a server's list of what it said, page after page in one. */
export function toolList(listed: readonly unknown[]): ToolList {
  const tools = new Map<string, ServerTool>();
  const skipped: SkippedTool[] = [];
  let left = 0;
  let bytes = 0;
  const skip = (value: unknown, why: string): void => {
    left += 1;
    if (skipped.length < SKIPPED_TOLD) skipped.push(Object.freeze({ name: nameOf(value), why }));
  };
  for (const value of listed) {
    if (tools.size >= TOOLS_MOST) {
      skip(value, `the server has more than ${TOOLS_MOST} tools`);
      continue;
    }
    const parsed = Listed.safeParse(value);
    if (!parsed.success) {
      skip(value, 'what the server says of it cannot be read');
      continue;
    }
    try {
      const tool = toolOf(parsed.data);
      const size = Buffer.byteLength(JSON.stringify(tool.inputSchema));
      if (tools.has(tool.name)) skip(value, `another tool of the server is called ${tool.name} here`);
      else if (bytes + size > SCHEMAS_BYTES)
        skip(value, `the schemas of the server's tools are larger than ${SCHEMAS_BYTES / 1024} KiB together`);
      else {
        tools.set(tool.name, tool);
        bytes += size;
      }
    } catch (thrown) {
      if (!(thrown instanceof Unfit)) throw thrown;
      skip(value, thrown.message);
    }
  }
  return Object.freeze({
    tools: Object.freeze([...tools.values()]),
    skipped: Object.freeze(skipped),
    skipped_count: left,
  });
}
