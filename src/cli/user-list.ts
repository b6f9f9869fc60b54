// SPDX-License-Identifier: Apache-2.0
// `sigil user list`: users, those of the configuration first.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { listOf } from './pages.ts';
import { userLines } from './user-lines.ts';

const DEFAULT_LIMIT = 50;

export const run: CommandRun = async (call) => {
  const { output } = call;
  const limit = Number(call.value('limit') ?? DEFAULT_LIMIT);
  const { items, nextCursor } = await withGateway(call, (client) => listOf(client, '/api/v1/users', limit));
  if (output.json) output.document({ items, next_cursor: nextCursor });
  else if (items.length === 0) output.note('There are no users yet; `sigil user add ID` makes one.');
  else output.write(`${userLines(items, output).join('\n')}\n`);
  return 0;
};
