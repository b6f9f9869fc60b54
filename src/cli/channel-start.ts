// SPDX-License-Identifier: Apache-2.0
// `sigil channel start`: connects a channel, at once whatever it waits for.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [name = ''] = call.args;
  const path = `/api/v1/channels/${encodeURIComponent(name)}/start`;
  const answer = await withGateway(call, (client) => client.post(path, {}));
  if (output.json) output.document(answer);
  else output.note(`${name} is being connected; \`sigil channel status ${name}\` shows how it goes.`);
  return 0;
};
