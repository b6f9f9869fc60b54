// SPDX-License-Identifier: Apache-2.0
// `sigil pairing remove ID`: forgets a pairing; who had it is a stranger again.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { oneLine } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [id = ''] = call.args;
  const removed = await withGateway(call, (client) => client.delete(`/api/v1/pairings/${encodeURIComponent(id)}`));
  if (output.json) output.document(removed);
  else output.line(`Removed the pairing ${oneLine(id)}.`);
  return 0;
};
