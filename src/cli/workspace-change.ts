// SPDX-License-Identifier: Apache-2.0
// `sigil workspace change ID`: gives a workspace other members, conversations or another description.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object } from './json-reading.ts';
import { workspaceFields } from './workspace-fields.ts';
import { workspaceLines } from './workspace-lines.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [id = ''] = call.args;
  const fields = workspaceFields(call);
  const workspace = await withGateway(call, (client) =>
    client.patch(`/api/v1/workspaces/${encodeURIComponent(id)}`, fields),
  );
  if (output.json) output.document(workspace);
  else output.write(`${workspaceLines(object(workspace), output).join('\n')}\n`);
  return 0;
};
