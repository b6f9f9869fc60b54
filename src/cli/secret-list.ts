// SPDX-License-Identifier: Apache-2.0
// `sigil secret list`: what is kept and what the configuration refers to, by name; never a value.

import type { ListedSecret } from '../secrets/keeping.ts';
import type { CommandRun } from './command.ts';
import type { Output } from './output.ts';
import { secretSource } from './secret-source.ts';
import { tableLines } from './table.ts';
import { agoText } from './time-text.ts';

function lines(rows: readonly ListedSecret[], output: Output, now: number): readonly string[] {
  const cells = rows.map(({ name, kept, set_at, used_by }) => [
    name,
    kept ? (set_at === null ? '–' : agoText(set_at, now)) : output.paint.red('missing'),
    used_by.join(', ') || '–',
  ]);
  const table = tableLines([['NAME', 'SET', 'USED BY'], ...cells], { right: [], give: [2], width: output.width() });
  const [head = '', ...rest] = table;
  return [output.paint.dim(head), ...rest];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const listing = await secretSource(call).list();
  const { place, protection, items } = listing;
  if (output.json) {
    output.document(listing);
    return 0;
  }
  const by = protection === undefined ? '' : `, protected by a ${protection}`;
  output.note(`Secrets are in ${place}${by}.`);
  if (items.length === 0) output.note('There are none yet; `sigil secret set NAME` keeps one.');
  else output.write(`${lines(items, output, Date.now()).join('\n')}\n`);
  if (items.some(({ kept }) => !kept)) output.note('Set what is missing with `sigil secret set NAME`.');
  return 0;
};
