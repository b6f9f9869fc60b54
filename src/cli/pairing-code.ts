// SPDX-License-Identifier: Apache-2.0
// `sigil pairing code --channel NAME`: makes a one-time code, which alone goes to stdout, for it is shown this once.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object, text } from './json-reading.ts';
import { oneLine } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [channel, user, workspace, role] = [
    call.value('channel'),
    call.value('user'),
    call.value('workspace'),
    call.value('role'),
  ];
  const body = {
    channel,
    ...(user === undefined ? {} : { user_id: user }),
    ...(workspace === undefined ? {} : { workspace_id: workspace }),
    ...(role === undefined ? {} : { role }),
  };
  const made = object(await withGateway(call, (client) => client.post('/api/v1/pairings/codes', body)));
  if (output.json) {
    output.document(made);
    return 0;
  }
  const code = oneLine(text(made['code']));
  output.line(code);
  output.note(
    `Whoever first sends \`/pair ${code}\` on ${oneLine(text(made['channel']))} is let in; it is good for 10 minutes and not shown again.`,
  );
  return 0;
};
