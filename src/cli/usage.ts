// SPDX-License-Identifier: Apache-2.0
// `sigil usage`: tokens and cost by provider, model, workspace, user or session.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, number, text } from './json-reading.ts';
import { listOf } from './pages.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';
import { timeOption } from './time-option.ts';

const DEFAULT_LIMIT = 50;
/** A call that costs less than a cent is not shown as nothing. */
const PLACES = 4;

function usageRow(used: JsonObject, hourly: boolean): string[] {
  const figures = [
    'calls',
    'input_tokens',
    'output_tokens',
    'cache_read_tokens',
    'cache_write_tokens',
    'settled_tokens',
  ];
  return [
    oneLine(text(used['key'])) || '–',
    ...(hourly ? [oneLine(text(used['hour'])).slice(0, 16)] : []),
    ...figures.map((name) => String(number(used[name]))),
    `$${number(used['cost_usd']).toFixed(PLACES)}`,
  ];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const limit = Number(call.value('limit') ?? DEFAULT_LIMIT);
  const now = Date.now();
  const by = call.value('by') ?? 'model';
  const hourly = call.flag('hourly');
  const query = {
    by,
    per: hourly ? 'hour' : undefined,
    from: timeOption(call, 'from', now),
    to: timeOption(call, 'to', now),
  };
  const { items, nextCursor } = await withGateway(call, (client) => listOf(client, '/api/v1/usage', limit, query));
  if (output.json) output.document({ items, next_cursor: nextCursor });
  else if (items.length === 0) output.note('Nothing was used.');
  else {
    const head = [
      by.toUpperCase(),
      ...(hourly ? ['HOUR'] : []),
      'CALLS',
      'IN',
      'OUT',
      'CACHED',
      'WRITTEN',
      'SETTLED',
      'COST',
    ];
    const rows = items.map((used) => usageRow(used, hourly));
    const right = head.map((_, column) => column).slice(hourly ? 2 : 1);
    const [first = '', ...rest] = tableLines([head, ...rows], { right, give: [0], width: output.width() });
    output.write(`${[output.paint.dim(first), ...rest].join('\n')}\n`);
  }
  return 0;
};
