// SPDX-License-Identifier: Apache-2.0
// `sigil workspace delete ID`: nobody enters it any more; what was said in it stays.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { oneLine } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [id = ''] = call.args;
  const removed = await withGateway(call, (client) => client.delete(`/api/v1/workspaces/${encodeURIComponent(id)}`));
  if (output.json) output.document(removed);
  else output.line(`Nobody enters the workspace ${oneLine(id)} any more; what was said in it stays.`);
  return 0;
};
