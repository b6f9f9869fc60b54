// SPDX-License-Identifier: Apache-2.0
// `sigil token list`: tokens, without what they are.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { text } from './json-reading.ts';
import { listOf } from './pages.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';
import { agoText } from './time-text.ts';

const DEFAULT_LIMIT = 50;

/** What a token may do; a token without a list may whatever its user may. */
function permissionsText(permissions: unknown): string {
  if (!Array.isArray(permissions)) return 'as its user';
  return permissions.map((one) => oneLine(text(one))).join(' ') || 'none';
}

/** The minute it ends, UTC. */
function expiryText(at: string, now: number): string {
  if (at === '') return 'never';
  return Date.parse(at) <= now ? 'expired' : oneLine(at).replace(/^(.{10})T(.{5}).*$/, '$1 $2');
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const limit = Number(call.value('limit') ?? DEFAULT_LIMIT);
  const query = { user_id: call.value('user') };
  const { items, nextCursor } = await withGateway(call, (client) => listOf(client, '/api/v1/tokens', limit, query));
  if (output.json) {
    output.document({ items, next_cursor: nextCursor });
    return 0;
  }
  if (items.length === 0) {
    output.note('There are no tokens; `sigil token create` makes one.');
    return 0;
  }
  const now = Date.now();
  const rows = items.map((token) => [
    oneLine(text(token['id'])),
    oneLine(text(token['user_id'])),
    oneLine(text(token['name'])) || '–',
    permissionsText(token['permissions']),
    token['configured'] === true ? 'configuration' : agoText(text(token['created_at']), now),
    agoText(text(token['last_used_at']), now),
    expiryText(text(token['expires_at']), now),
  ]);
  const head = ['TOKEN', 'USER', 'NAME', 'MAY', 'MADE', 'USED', 'EXPIRES'];
  const [first = '', ...rest] = tableLines(
    [head, ...rows],
    output.terminal ? { give: [3, 2], width: output.width() } : {},
  );
  output.write(`${[output.paint.dim(first), ...rest].join('\n')}\n`);
  return 0;
};
