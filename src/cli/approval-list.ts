// SPDX-License-Identifier: Apache-2.0
// `sigil approval list`: tool calls that wait for a person.

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
  const { items, nextCursor } = await withGateway(call, (client) => listOf(client, '/api/v1/approvals', limit, {}));
  if (output.json) {
    output.document({ items, next_cursor: nextCursor });
    return 0;
  }
  if (items.length === 0) {
    output.note('Nothing waits for approval.');
    return 0;
  }
  const now = Date.now();
  const rows = items.map((item) => {
    const [id, user, tool, given, reason] = ['id', 'user_id', 'tool', 'arguments', 'reason'].map((name) =>
      oneLine(text(item[name])),
    );
    const what = reason === '' ? given : `${given} (${reason})`;
    return [id ?? '', user ?? '', tool ?? '', what ?? '', agoText(text(item['requested_at']), now)];
  });
  const head = ['APPROVAL', 'FOR', 'TOOL', 'ARGUMENTS', 'ASKED'];
  const [first = '', ...rest] = tableLines([head, ...rows], { give: [3], width: output.width() });
  output.write(`${[output.paint.dim(first), ...rest].join('\n')}\n`);
  return 0;
};
