// SPDX-License-Identifier: Apache-2.0
// `sigil pairing list`: who may write by which channel, or wants to.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { text } from './json-reading.ts';
import { listOf } from './pages.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';
import { agoText } from './time-text.ts';

const DEFAULT_LIMIT = 50;

export const run: CommandRun = async (call) => {
  const { output } = call;
  const limit = Number(call.value('limit') ?? DEFAULT_LIMIT);
  const query = { status: call.value('status') };
  const { items, nextCursor } = await withGateway(call, (client) => listOf(client, '/api/v1/pairings', limit, query));
  if (output.json) {
    output.document({ items, next_cursor: nextCursor });
    return 0;
  }
  if (items.length === 0) {
    output.note('There are no pairings.');
    return 0;
  }
  const now = Date.now();
  const field = (name: string) => (item: (typeof items)[number]) => oneLine(text(item[name])) || '–';
  const columns = ['id', 'user_id', 'channel', 'platform_id', 'display_name', 'workspace_id', 'status'].map(field);
  const rows = items.map((item) => [...columns.map((of) => of(item)), agoText(text(item['created_at']), now)]);
  const head = ['PAIRING', 'USER', 'CHANNEL', 'WHO', 'NAME', 'WORKSPACE', 'STATUS', 'MADE'];
  const [first = '', ...rest] = tableLines([head, ...rows], { give: [4, 3], width: output.width() });
  output.write(`${[output.paint.dim(first), ...rest].join('\n')}\n`);
  return 0;
};
