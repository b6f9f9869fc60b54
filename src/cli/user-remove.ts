// SPDX-License-Identifier: Apache-2.0
// `sigil user remove ID`: removes a user with their pairings and tokens.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { oneLine } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [id = ''] = call.args;
  const removed = await withGateway(call, (client) => client.delete(`/api/v1/users/${encodeURIComponent(id)}`));
  if (output.json) output.document(removed);
  else output.line(`Removed the user ${oneLine(id)}.`);
  return 0;
};
