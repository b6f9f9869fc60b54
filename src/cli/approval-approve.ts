// SPDX-License-Identifier: Apache-2.0
// `sigil approval approve ID`: lets a tool call run that waits for a person.

import { answerApproval } from './approval-answer.ts';
import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { text } from './json-reading.ts';
import { oneLine } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const approval = await withGateway(call, (client) => answerApproval(client, call.args[0] ?? '', 'approve'));
  if (output.json) output.document(approval);
  else output.line(`May run: ${oneLine(text(approval['tool']))} ${oneLine(text(approval['arguments']))}.`);
  return 0;
};
