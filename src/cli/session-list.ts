// SPDX-License-Identifier: Apache-2.0
// `sigil session list`: sessions of one workspace or of all, newest activity first.

import type { GatewayClient } from './client.ts';
import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, number, text } from './json-reading.ts';
import type { Output } from './output.ts';
import { type ListReading, listOf } from './pages.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';
import { agoText } from './time-text.ts';

const DEFAULT_LIMIT = 50;
const MOST = 10_000;

/** Newest sessions of a workspace, or of all the user may see. */
export async function sessionsOf(
  client: GatewayClient,
  workspace: string | undefined,
  most: number,
): Promise<ListReading> {
  const pathOf = (id: string) => `/api/v1/workspaces/${encodeURIComponent(id)}/sessions`;
  if (workspace !== undefined) return await listOf(client, pathOf(workspace), most);
  const workspaces = await listOf(client, '/api/v1/workspaces', MOST);
  const ids = workspaces.items.map((item) => text(item['id']));
  const items: JsonObject[] = [];
  // One after the other: a person with many workspaces is no reason for as many requests at once.
  for (const id of ids) items.push(...(await listOf(client, pathOf(id), most)).items);
  items.sort((a, b) => text(b['updated_at']).localeCompare(text(a['updated_at'])));
  return { items: items.slice(0, most), nextCursor: null, first: {} };
}

/** Sessions as a table with a head. */
export function sessionLines(sessions: readonly JsonObject[], output: Output, now: number): string[] {
  const head = ['SESSION', 'WORKSPACE', 'TITLE', 'TURNS', 'ACTIVE', 'STATUS'];
  const rows = sessions.map((session) => [
    oneLine(text(session['id'])),
    oneLine(text(session['workspace_id'])),
    oneLine(text(session['title'])) || '–',
    String(number(session['turns'])),
    agoText(text(session['updated_at']), now),
    oneLine(text(session['status'])),
  ]);
  const [first = '', ...rest] = tableLines([head, ...rows], { right: [3], give: [2], width: output.width() });
  return [output.paint.dim(first), ...rest];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const limit = Number(call.value('limit') ?? DEFAULT_LIMIT);
  const { items, nextCursor } = await withGateway(call, (client) => sessionsOf(client, call.value('workspace'), limit));
  if (output.json) output.document({ items, next_cursor: nextCursor });
  else if (items.length === 0) output.note('There are no sessions yet; `sigil chat` begins one.');
  else output.write(`${sessionLines(items, output, Date.now()).join('\n')}\n`);
  return 0;
};
