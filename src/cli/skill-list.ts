// SPDX-License-Identifier: Apache-2.0
// `sigil skill list`: the skills of a workspace, when each applies, and what is wrong with those that are none.

import type { SkillItem } from '../agent/skills/keeping.ts';
import type { CommandRun } from './command.ts';
import type { Output } from './output.ts';
import { placeOption, skillSource } from './skill-source.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';

/** When a skill's text comes before the model, in a word or two. */
export function triggerText({ trigger, keywords }: SkillItem): string {
  switch (trigger) {
    case 'auto':
      return 'always';
    case 'manual':
      return 'by name';
    case 'keyword':
      return `words: ${oneLine(keywords.join(', '))}`;
    case 'model':
      return 'when it fits';
    case null:
      return '–';
  }
}

function lines(items: readonly SkillItem[], output: Output): string[] {
  const { paint } = output;
  const own = ({ state }: SkillItem): string =>
    state === 'ready' ? 'ready' : state === 'stale' ? paint.yellow('stale') : paint.red('unusable');
  const rows = items.map((item) => [
    oneLine(item.name),
    own(item),
    triggerText(item),
    oneLine(item.place),
    oneLine(item.description) || '–',
  ]);
  const head = ['SKILL', 'STATE', 'APPLIES', 'LIES IN', 'DESCRIPTION'];
  const [first = '', ...rest] = tableLines([head, ...rows], { right: [], give: [4, 2], width: output.width() });
  return [paint.dim(first), ...rest];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const items = await skillSource(call).list();
  if (output.json) {
    output.document({ items, next_cursor: null });
    return 0;
  }
  if (items.length === 0) {
    const where = placeOption(call, 'workspace') === undefined ? '' : ' here';
    output.note(`There are no skills${where} yet; \`sigil skill install PATH\` brings one.`);
    return 0;
  }
  output.write(`${lines(items, output).join('\n')}\n`);
  for (const { name, problems } of items)
    for (const problem of problems) output.note(`${oneLine(name)}: ${oneLine(problem)}`);
  return 0;
};
