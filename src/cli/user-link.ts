// SPDX-License-Identifier: Apache-2.0
// `sigil user link ID CHANNEL PLATFORM-ID`: says who a user is on a platform.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object } from './json-reading.ts';
import { userLines } from './user-lines.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [id = '', channel = '', platform_id = ''] = call.args;
  const body = { channel, platform_id, display_name: call.value('name') ?? '' };
  const path = `/api/v1/users/${encodeURIComponent(id)}/identities`;
  const user = await withGateway(call, (client) => client.post(path, body));
  if (output.json) output.document(user);
  else output.write(`${userLines([object(user)], output).join('\n')}\n`);
  return 0;
};
