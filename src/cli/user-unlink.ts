// SPDX-License-Identifier: Apache-2.0
// `sigil user unlink ID CHANNEL PLATFORM-ID`: takes back who a user is on a platform.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object } from './json-reading.ts';
import { userLines } from './user-lines.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [id = '', channel = '', platform = ''] = call.args.map(encodeURIComponent);
  const path = `/api/v1/users/${id}/identities/${channel}/${platform}`;
  const user = await withGateway(call, (client) => client.delete(path));
  if (output.json) output.document(user);
  else output.write(`${userLines([object(user)], output).join('\n')}\n`);
  return 0;
};
