// SPDX-License-Identifier: Apache-2.0
// `sigil agent pause`: no new turn begins; messages are taken and wait.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object, text } from './json-reading.ts';
import { oneLine } from './terminal-text.ts';
import { agoText } from './time-text.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const reason = call.value('reason');
  const body = reason === undefined ? {} : { reason };
  const answer = await withGateway(call, (client) => client.post('/api/v1/agent/pause', body));
  if (output.json) output.document(answer);
  else {
    const paused = object(object(answer)['paused']);
    const since = agoText(text(paused['since']), Date.now());
    output.note(
      `The agent is paused (${since}, by ${oneLine(text(paused['by']))}): messages are kept and wait until \`sigil agent resume\`.`,
    );
  }
  return 0;
};
