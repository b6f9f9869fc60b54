// SPDX-License-Identifier: Apache-2.0
// `sigil memory entities [PREFIX]`: the things a workspace knows of, by their names.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object, text } from './json-reading.ts';
import { listOf } from './pages.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';

const DEFAULT_LIMIT = 50;

/** Properties on one line: `born 1815, title Countess`. */
export function propertiesText(properties: unknown): string {
  const said = Object.entries(object(properties)).map(
    ([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return oneLine(said.join(', '));
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const limit = Number(call.value('limit') ?? DEFAULT_LIMIT);
  const query = { workspace: call.value('workspace'), type: call.value('type'), prefix: call.args[0] };
  const { items, nextCursor } = await withGateway(call, (client) =>
    listOf(client, '/api/v1/memory/entities', limit, query),
  );
  if (output.json) {
    output.document({ items, next_cursor: nextCursor });
    return 0;
  }
  if (items.length === 0) {
    output.note('Nothing of that kind is known there.');
    return 0;
  }
  const rows = items.map((entity) => [
    oneLine(text(entity['name'])),
    oneLine(text(entity['type'])),
    propertiesText(entity['properties']) || '–',
    oneLine(text(entity['id'])),
  ]);
  const [head = '', ...rest] = tableLines([['NAME', 'TYPE', 'PROPERTIES', 'ID'], ...rows], {
    give: [2, 0],
    width: output.width(),
  });
  output.write(`${[output.paint.dim(head), ...rest].join('\n')}\n`);
  return 0;
};
