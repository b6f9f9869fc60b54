// SPDX-License-Identifier: Apache-2.0
// `sigil pairing deny ID`: keeps somebody out.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object, text } from './json-reading.ts';
import { oneLine } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const path = `/api/v1/pairings/${encodeURIComponent(call.args[0] ?? '')}`;
  const pairing = object(await withGateway(call, (client) => client.patch(path, { status: 'denied' })));
  if (output.json) output.document(pairing);
  else output.line(`Kept out: ${oneLine(text(pairing['platform_id']))} on ${oneLine(text(pairing['channel']))}.`);
  return 0;
};
