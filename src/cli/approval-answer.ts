// SPDX-License-Identifier: Apache-2.0
// Answering a request for approval: by its id, or by how that begins.

import { CliError } from './cli-error.ts';
import type { GatewayClient } from './client.ts';
import { type JsonObject, object, text } from './json-reading.ts';
import { listOf } from './pages.ts';

/** A whole id; anything shorter is looked for among those that wait. */
const WHOLE = 36;
/** Requests that are looked through for one whose id begins so. */
const LOOKED_THROUGH = 1_000;

/** The one id among these that begins so. @throws CliError when there is none, or more than one */
export function idBeginning(begin: string, ids: readonly string[]): string {
  const found = ids.filter((id) => id.startsWith(begin));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const named = begin === '' ? '' : ` whose id begins with ${begin}`;
  if (only === undefined)
    throw new CliError(
      'not_found',
      `Nothing waits for approval${named}.`,
      'List what waits with `sigil approval list`.',
    );
  throw new CliError(
    'conflict',
    `${found.length} tool calls wait for approval${named}.`,
    `Name one: ${found.join(', ')}.`,
  );
}

/** Answers a request. @param given its id, or how it begins @returns the request as it is now */
export async function answerApproval(
  client: GatewayClient,
  given: string,
  decision: 'approve' | 'deny',
): Promise<JsonObject> {
  const id = given.length >= WHOLE ? given : idBeginning(given, await waiting(client));
  return object(await client.post(`/api/v1/approvals/${encodeURIComponent(id)}`, { decision }));
}

async function waiting(client: GatewayClient): Promise<readonly string[]> {
  const { items } = await listOf(client, '/api/v1/approvals', LOOKED_THROUGH, {});
  return items.map((item) => text(item['id']));
}
