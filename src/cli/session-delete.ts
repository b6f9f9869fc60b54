// SPDX-License-Identifier: Apache-2.0
// `sigil session delete ID`: deletes a session with all that was said in it, after asking on a terminal.

import type { CommandRun } from './command.ts';
import { agreed, checkAskable } from './confirm.ts';
import { withGateway } from './connect.ts';
import { object, text } from './json-reading.ts';
import { oneLine } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [id = ''] = call.args;
  const path = `/api/v1/sessions/${encodeURIComponent(id)}`;
  checkAskable(call, `delete the session ${oneLine(id)}`);
  if (!call.flag('yes')) {
    // Asked only about what is there.
    const title = oneLine(text(object(await withGateway(call, (client) => client.get(path)))['title']));
    const named = title === '' ? oneLine(id) : `${oneLine(id)} (${title})`;
    if (!(await agreed(call, `Delete the session ${named} with all that was said in it?`))) {
      output.note('Nothing was deleted.');
      return 1;
    }
  }
  const removed = await withGateway(call, (client) => client.delete(path));
  if (output.json) output.document(removed);
  else output.line(`Deleted the session ${oneLine(id)}.`);
  return 0;
};
