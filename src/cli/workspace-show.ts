// SPDX-License-Identifier: Apache-2.0
// `sigil workspace show ID`: who is in a workspace, and which conversations belong to it.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object } from './json-reading.ts';
import { workspaceLines } from './workspace-lines.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const path = `/api/v1/workspaces/${encodeURIComponent(call.args[0] ?? '')}`;
  const workspace = await withGateway(call, (client) => client.get(path));
  if (output.json) output.document(workspace);
  else output.write(`${workspaceLines(object(workspace), output).join('\n')}\n`);
  return 0;
};
