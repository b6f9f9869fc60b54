// SPDX-License-Identifier: Apache-2.0
// `sigil skill install PATH`: brings a skill from a folder or an archive into a workspace.

import { resolve } from 'node:path';
import type { CommandRun } from './command.ts';
import { placeWords, skillSource } from './skill-source.ts';
import { oneLine } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output, args } = call;
  const about = { name: call.value('name'), replace: call.flag('replace') };
  const put = await skillSource(call).install(resolve(args[0] ?? ''), about);
  if (output.json) {
    output.document(put);
    return 0;
  }
  const done = put.replaced ? 'is replaced' : 'is installed';
  output.line(`${output.paint.green('ok')} ${oneLine(put.name)} ${done} in ${placeWords(put.place)}.`);
  for (const problem of put.problems) output.note(oneLine(problem));
  return 0;
};
