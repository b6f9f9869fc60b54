// SPDX-License-Identifier: Apache-2.0
// `sigil token revoke ID`: revokes a token, which stops at once.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { oneLine } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [id = ''] = call.args;
  const removed = await withGateway(call, (client) => client.delete(`/api/v1/tokens/${encodeURIComponent(id)}`));
  if (output.json) output.document(removed);
  else output.line(`Revoked the token ${oneLine(id)}.`);
  return 0;
};
