// SPDX-License-Identifier: Apache-2.0
// `sigil secret remove NAME`: forgets a secret, after asking on a terminal.

import type { CommandRun } from './command.ts';
import { agreed, checkAskable } from './confirm.ts';
import { listed, nameOf, secretSource } from './secret-source.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const name = nameOf(call);
  const source = secretSource(call);
  checkAskable(call, `remove ${name}`);
  if (!call.flag('yes')) {
    const { place, items } = await source.list();
    const found = items.find((item) => item.name === name);
    // Asked only about what is there; of anything else the removal itself says what it is.
    if (found?.kept === true) {
      const uses = found.used_by.length === 0 ? '' : ` ${willFail(found.used_by)}`;
      if (!(await agreed(call, `Remove ${name} from ${place}?${uses}`))) {
        output.note('Nothing was removed.');
        return 1;
      }
    }
  }
  const removed = await source.remove(name);
  if (output.json) output.document(removed);
  else {
    output.line(`${output.paint.green('ok')} ${name} is removed.`);
    if (removed.used_by.length > 0) output.note(willFail(removed.used_by));
  }
  return 0;
};

function willFail(used_by: readonly string[]): string {
  return `${listed(used_by)} will not work without it.`;
}
