// SPDX-License-Identifier: Apache-2.0
// `sigil skill remove NAME`: removes a skill, or a link to one, after asking on a terminal.

import type { CommandRun } from './command.ts';
import { agreed, checkAskable } from './confirm.ts';
import { placeOption, placeWords, skillSource } from './skill-source.ts';
import { oneLine } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output, args } = call;
  const [name = ''] = args;
  checkAskable(call, `remove ${oneLine(name)}`);
  const place = placeOption(call, 'workspace');
  const where = place === undefined ? '' : ` from ${placeWords(place)}`;
  if (!(await agreed(call, `Remove the skill ${oneLine(name)}${where}?`))) {
    output.note('Nothing was removed.');
    return 1;
  }
  const removed = await skillSource(call).remove(name);
  if (output.json) output.document(removed);
  else {
    output.line(`${output.paint.green('ok')} ${oneLine(name)} is removed from ${placeWords(removed.place)}.`);
    const { linked_from } = removed;
    if (linked_from.length > 0)
      output.note(`Links to it lead nowhere now: in ${linked_from.map(placeWords).join(', ')}.`);
  }
  return 0;
};
