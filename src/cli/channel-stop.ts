// SPDX-License-Identifier: Apache-2.0
// `sigil channel stop`: lets go of a channel's connection until it is started, or the gateway is.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [name = ''] = call.args;
  const path = `/api/v1/channels/${encodeURIComponent(name)}/stop`;
  const answer = await withGateway(call, (client) => client.post(path, {}));
  if (output.json) output.document(answer);
  else output.note(`${name} is stopped until it is started or the gateway is; what is to be said waits.`);
  return 0;
};
