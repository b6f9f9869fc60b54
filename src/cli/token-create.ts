// SPDX-License-Identifier: Apache-2.0
// `sigil token create`: makes a token, which alone goes to stdout, for it is shown this once.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object, text } from './json-reading.ts';
import { oneLine } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [user, name, list] = [call.value('user'), call.value('name'), call.value('permissions')];
  const permissions = list
    ?.split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  const body = {
    ...(user === undefined ? {} : { user_id: user }),
    ...(name === undefined ? {} : { name }),
    ...(permissions === undefined ? {} : { permissions }),
  };
  const made = object(await withGateway(call, (client) => client.post('/api/v1/tokens', body)));
  if (output.json) {
    output.document(made);
    return 0;
  }
  output.line(oneLine(text(made['token'])));
  const id = oneLine(text(made['id']));
  output.note(
    `This is the token of ${oneLine(text(made['user_id']))}; it is not shown again. \`sigil token revoke ${id}\` ends it.`,
  );
  return 0;
};
