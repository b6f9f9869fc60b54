// SPDX-License-Identifier: Apache-2.0
// `sigil pairing approve ID`: lets somebody in.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object, text } from './json-reading.ts';
import { oneLine } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const path = `/api/v1/pairings/${encodeURIComponent(call.args[0] ?? '')}`;
  const [user, role] = [call.value('user'), call.value('role')];
  const pairing = object(
    await withGateway(call, (client) =>
      client.patch(path, {
        status: 'active',
        ...(user === undefined ? {} : { user_id: user }),
        ...(role === undefined ? {} : { role }),
      }),
    ),
  );
  if (output.json) output.document(pairing);
  else
    output.line(
      `Let in: ${oneLine(text(pairing['platform_id']))} on ${oneLine(text(pairing['channel']))}, as ${oneLine(text(pairing['user_id']))}.`,
    );
  return 0;
};
