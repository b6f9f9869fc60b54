// SPDX-License-Identifier: Apache-2.0
// `sigil skill show NAME`: what a skill says, when it applies, and the files in its folder.

import type { CommandRun } from './command.ts';
import { bytesText } from './progress-line.ts';
import { triggerText } from './skill-list.ts';
import { placeWords, skillSource } from './skill-source.ts';
import { oneLine, visible } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output, args } = call;
  const skill = await skillSource(call).show(args[0] ?? '');
  if (output.json) {
    output.document(skill);
    return 0;
  }
  const { paint } = output;
  const facts: [string, string][] = [
    ['applies', triggerText(skill)],
    ['lies in', placeWords(skill.place)],
    ['tools', skill.allowed_tools.join(' ')],
    ['license', skill.license ?? ''],
    ['needs', skill.compatibility ?? ''],
    ...Object.entries(skill.metadata),
  ];
  output.line(paint.bold(oneLine(skill.name)));
  output.line(oneLine(skill.description));
  output.line();
  for (const [name, value] of facts) if (value !== '') output.line(`${paint.dim(oneLine(name))}  ${oneLine(value)}`);
  for (const problem of skill.problems) output.line(paint.yellow(oneLine(problem)));
  output.line();
  output.line(visible(skill.body));
  if (skill.files.length > 0) output.line();
  for (const { path, bytes } of skill.files) output.line(`${oneLine(path)}  ${paint.dim(bytesText(bytes))}`);
  if (skill.more_files > 0) output.line(paint.dim(`and ${skill.more_files} more`));
  return 0;
};
