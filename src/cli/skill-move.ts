// SPDX-License-Identifier: Apache-2.0
// What copying a skill and linking to it have in common.

import { wrongUsage } from './cli-error.ts';
import type { CommandRun } from './command.ts';
import { placeOption, placeWords, skillSource } from './skill-source.ts';
import { oneLine } from './terminal-text.ts';

export function moveSkill({ link, done }: { readonly link: boolean; readonly done: string }): CommandRun {
  return async (call) => {
    const { output, args } = call;
    const to = placeOption(call, 'to');
    if (to === undefined)
      throw wrongUsage('It is not said where to.', 'Add --to with the id of a workspace, or @shared.');
    const put = await skillSource(call).copy(args[0] ?? '', to, { link, replace: call.flag('replace') });
    if (output.json) output.document(put);
    else {
      output.line(`${output.paint.green('ok')} ${oneLine(put.name)} is ${done} to ${placeWords(to)}.`);
      for (const problem of put.problems) output.note(oneLine(problem));
    }
    return 0;
  };
}
