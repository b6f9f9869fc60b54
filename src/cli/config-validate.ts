// SPDX-License-Identifier: Apache-2.0
// `sigil config validate [FILE]`: every problem with its place, or that there is none.

import type { CommandRun } from './command.ts';
import { runnableConfigOf } from './config-source.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const { source, warnings, quarantined } = await runnableConfigOf(call, undefined, call.args[0]);
  if (output.json) {
    output.document({ valid: true, file: source.file ?? null, env: source.env, warnings, quarantined });
    return 0;
  }
  for (const { message, advice } of quarantined) {
    output.note(`${output.notePaint.yellow('left out:')} ${message} ${advice}`);
  }
  const file = source.file === undefined ? 'There is no configuration file, and the defaults' : `${source.file}`;
  const left = new Set(quarantined.map(({ path }) => path)).size;
  const some = left === 1 ? '1 entry cannot run and is' : `${left} entries cannot run and are`;
  const rest = left === 0 ? '' : `, but ${some} left out`;
  const verb = source.file === undefined ? 'are' : 'is';
  output.line(`${output.paint.green('ok')} ${file} ${verb} valid${rest}.`);
  return 0;
};
