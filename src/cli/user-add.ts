// SPDX-License-Identifier: Apache-2.0
// `sigil user add ID`: makes a user.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object } from './json-reading.ts';
import { userLines } from './user-lines.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [id = ''] = call.args;
  const [name, role] = [call.value('name'), call.value('role')];
  const body = { id, ...(name === undefined ? {} : { name }), ...(role === undefined ? {} : { role }) };
  const user = await withGateway(call, (client) => client.post('/api/v1/users', body));
  if (output.json) output.document(user);
  else output.write(`${userLines([object(user)], output).join('\n')}\n`);
  return 0;
};
