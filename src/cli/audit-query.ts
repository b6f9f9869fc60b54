// SPDX-License-Identifier: Apache-2.0
// `sigil audit query`: entries of the audit, newest first.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, object, text } from './json-reading.ts';
import type { Output } from './output.ts';
import { listOf } from './pages.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';
import { timeOption } from './time-option.ts';

const DEFAULT_LIMIT = 50;

/** What an entry says besides its fields, on one line. */
function detailsText(entry: JsonObject): string {
  const place = [
    ['workspace', entry['workspace_id']],
    ['session', entry['session_id']],
    ['plugin', entry['plugin']],
    ...Object.entries(object(entry['details'])),
  ];
  return place
    .filter(([, value]) => value !== '' && value !== undefined && value !== null)
    .map(
      ([name, value]) =>
        `${oneLine(String(name))}=${oneLine(typeof value === 'string' ? value : JSON.stringify(value))}`,
    )
    .join(' ');
}

function auditLines(entries: readonly JsonObject[], { paint, width, terminal }: Output): string[] {
  const head = ['ENTRY', 'AT', 'ACTION', 'BY', 'RESULT', 'DETAILS'];
  const rows = entries.map((entry) => [
    text(entry['id']),
    oneLine(text(entry['at'])),
    oneLine(text(entry['action'])),
    oneLine(text(entry['actor'])),
    oneLine(text(entry['result'])),
    detailsText(entry),
  ]);
  // A person sees a line for each; what reads along gets it whole.
  const fitting = terminal ? { give: [5], width: width() } : {};
  const [first = '', ...rest] = tableLines([head, ...rows], { right: [0], ...fitting });
  return [paint.dim(first), ...rest];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const limit = Number(call.value('limit') ?? DEFAULT_LIMIT);
  const now = Date.now();
  const query = {
    action: call.value('action'),
    actor: call.value('actor'),
    workspace: call.value('workspace'),
    from: timeOption(call, 'from', now),
    to: timeOption(call, 'to', now),
  };
  const { items, nextCursor } = await withGateway(call, (client) => listOf(client, '/api/v1/audit', limit, query));
  if (output.json) output.document({ items, next_cursor: nextCursor });
  else if (items.length === 0) output.note('There are no such entries.');
  else output.write(`${auditLines(items, output).join('\n')}\n`);
  return 0;
};
