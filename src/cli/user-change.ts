// SPDX-License-Identifier: Apache-2.0
// `sigil user change ID`: gives a user another name or role.

import { wrongUsage } from './cli-error.ts';
import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object } from './json-reading.ts';
import { userLines } from './user-lines.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const path = `/api/v1/users/${encodeURIComponent(call.args[0] ?? '')}`;
  const [name, role] = [call.value('name'), call.value('role')];
  if (name === undefined && role === undefined)
    throw wrongUsage('Nothing is to be changed.', 'Say what with --name NAME or --role ROLE.');
  const body = { ...(name === undefined ? {} : { name }), ...(role === undefined ? {} : { role }) };
  const user = await withGateway(call, (client) => client.patch(path, body));
  if (output.json) output.document(user);
  else output.write(`${userLines([object(user)], output).join('\n')}\n`);
  return 0;
};
