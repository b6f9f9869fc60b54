// SPDX-License-Identifier: Apache-2.0
// `sigil memory search WORDS…`: messages of a workspace by their words, best first.

import { wrongUsage } from './cli-error.ts';
import type { Call, CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { listOf } from './pages.ts';
import { foundLines } from './snippet-text.ts';

const DEFAULT_LIMIT = 20;

/** A time as the gateway wants it; a date is the day's beginning here. */
function timeOf(call: Call, name: 'from' | 'to'): string | undefined {
  const given = call.value(name);
  if (given === undefined) return undefined;
  const at = Date.parse(/^\d{4}-\d{2}-\d{2}$/.test(given) ? `${given}T00:00` : given);
  if (!Number.isNaN(at)) return new Date(at).toISOString();
  throw wrongUsage(
    `--${name} is not a time: ${given}.`,
    'Give a date such as 2026-01-31, or RFC 3339 such as 2026-01-31T12:00:00Z.',
  );
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const limit = Number(call.value('limit') ?? DEFAULT_LIMIT);
  const query = {
    q: call.args.join(' '),
    workspace: call.value('workspace'),
    session: call.value('session'),
    role: call.value('role'),
    from: timeOf(call, 'from'),
    to: timeOf(call, 'to'),
    match: call.flag('all') ? 'all' : 'any',
  };
  const { items, nextCursor } = await withGateway(call, (client) =>
    listOf(client, '/api/v1/memory/search', limit, query),
  );
  if (output.json) output.document({ items, next_cursor: nextCursor });
  else if (items.length === 0) output.note('Nothing was said with these words.');
  else output.write(`${items.map((item) => foundLines(item, output, Date.now()).join('\n')).join('\n\n')}\n`);
  return 0;
};
