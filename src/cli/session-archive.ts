// SPDX-License-Identifier: Apache-2.0
// `sigil session archive ID`: puts a session away; it takes no more messages and stays readable.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { oneLine } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [id = ''] = call.args;
  const path = `/api/v1/sessions/${encodeURIComponent(id)}/archive`;
  const session = await withGateway(call, (client) => client.post(path, undefined));
  if (output.json) output.document(session);
  else output.line(`The session ${oneLine(id)} is archived.`);
  return 0;
};
