// SPDX-License-Identifier: Apache-2.0
// `sigil agent resume`: what waited is answered.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const answer = await withGateway(call, (client) => client.post('/api/v1/agent/resume', {}));
  if (output.json) output.document(answer);
  else output.note('The agent goes on: messages that waited are answered, each session in its order.');
  return 0;
};
