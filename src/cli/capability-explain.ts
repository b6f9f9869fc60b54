// SPDX-License-Identifier: Apache-2.0
// `sigil capability explain`: whether somebody may do something somewhere, and why.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object, text } from './json-reading.ts';
import { oneLine } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [user = '', workspace = '', capability = ''] = call.args;
  const query = new URLSearchParams({ user, workspace, capability });
  const body = object(await withGateway(call, (client) => client.get(`/api/v1/capabilities/explain?${query}`)));
  if (output.json) output.document(body);
  else {
    const { paint } = output;
    const word = body['allowed'] === true ? paint.green('yes') : paint.red('no');
    output.write(`${word}: ${oneLine(text(body['reason']))}\n${paint.dim(`rule: ${oneLine(text(body['rule']))}`)}\n`);
  }
  return 0;
};
