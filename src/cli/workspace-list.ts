// SPDX-License-Identifier: Apache-2.0
// `sigil workspace list`: the workspaces one may enter.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { text } from './json-reading.ts';
import { listOf } from './pages.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';

const DEFAULT_LIMIT = 50;

export const run: CommandRun = async (call) => {
  const { output } = call;
  const limit = Number(call.value('limit') ?? DEFAULT_LIMIT);
  const { items, nextCursor } = await withGateway(call, (client) => listOf(client, '/api/v1/workspaces', limit, {}));
  if (output.json) {
    output.document({ items, next_cursor: nextCursor });
    return 0;
  }
  const rows = items.map((item) => [
    oneLine(text(item['id'])),
    oneLine(text(item['description'])) || '–',
    item['configured'] === true ? 'configuration' : 'here',
  ]);
  const head = ['WORKSPACE', 'FOR', 'FROM'];
  const [first = '', ...rest] = tableLines([head, ...rows], { give: [1], width: output.width() });
  output.write(`${[output.paint.dim(first), ...rest].join('\n')}\n`);
  return 0;
};
