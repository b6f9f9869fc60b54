// SPDX-License-Identifier: Apache-2.0
// `sigil usage`: tokens and cost, in total or by provider, model, workspace, user or session.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, number, object, text } from './json-reading.ts';
import { listOf } from './pages.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';
import { timeOption } from './time-option.ts';

const DEFAULT_LIMIT = 50;
/** Characters of a time that name its hour, or its day. */
const SHOWN = { hour: 16, day: 10 } as const;
/** A call that costs less than a cent is not shown as nothing. */
const PLACES = 4;

type Per = keyof typeof SHOWN | undefined;

function usageRow(used: JsonObject, per: Per): string[] {
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
    ...(per === undefined ? [] : [oneLine(text(used['hour'])).slice(0, SHOWN[per])]),
    ...figures.map((name) => String(number(used[name]))),
    `$${number(used['cost_usd']).toFixed(PLACES)}`,
  ];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const limit = Number(call.value('limit') ?? DEFAULT_LIMIT);
  const now = Date.now();
  const by = call.value('by') ?? 'model';
  const per: Per = call.flag('hourly') ? 'hour' : call.flag('daily') ? 'day' : undefined;
  const query = {
    by,
    per,
    workspace: call.value('workspace'),
    from: timeOption(call, 'from', now),
    to: timeOption(call, 'to', now),
  };
  const {
    items,
    nextCursor,
    first: page,
  } = await withGateway(call, (client) => listOf(client, '/api/v1/usage', limit, query));
  const totals = object(page['totals']);
  if (output.json) output.document({ items, next_cursor: nextCursor, totals });
  else if (items.length === 0) output.note('Nothing was used.');
  else {
    const head = [
      by.toUpperCase(),
      ...(per === undefined ? [] : [per.toUpperCase()]),
      'CALLS',
      'IN',
      'OUT',
      'CACHED',
      'WRITTEN',
      'SETTLED',
      'COST',
    ];
    const rows = items.map((used) => usageRow({ ...used, key: by === 'total' ? 'all' : used['key'] }, per));
    // Of one line it would be the same once more.
    if (items.length > 1 || nextCursor !== null) rows.push(usageRow({ ...totals, key: 'TOTAL' }, per));
    const right = head.map((_, column) => column).slice(per === undefined ? 1 : 2);
    const [first = '', ...rest] = tableLines([head, ...rows], { right, give: [0], width: output.width() });
    output.write(`${[output.paint.dim(first), ...rest].join('\n')}\n`);
    if (nextCursor !== null) output.note('There are more lines; --limit shows more.');
  }
  return 0;
};
