// SPDX-License-Identifier: Apache-2.0
// `sigil secret set NAME`: keeps a value that is typed without being shown, or comes from stdin.

import type { SecretName } from '../config/secret-name.ts';
import { checkValue } from '../secrets/store.ts';
import { wrongUsage } from './cli-error.ts';
import type { CommandRun } from './command.ts';
import { askHidden } from './hidden-prompt.ts';
import { pipedValue } from './piped-value.ts';
import { listed, nameOf, secretSource } from './secret-source.ts';

async function piped(): Promise<string> {
  const value = await pipedValue();
  if (value === '')
    throw wrongUsage('Nothing came on stdin.', 'Pipe the value in, or run it on a terminal to be asked for it.');
  return value;
}

async function typed(name: SecretName): Promise<string> {
  const value = await askHidden(`Value of ${name} (not shown): `);
  if (value === '') throw wrongUsage('Nothing was typed, and nothing was changed.', 'Run it again and type the value.');
  return value;
}

export const run: CommandRun = async (call) => {
  const { output, composition } = call;
  const name = nameOf(call);
  const source = secretSource(call);
  // Before anybody types: what cannot be set here is refused at once.
  if (process.stdin.isTTY === true && (await source.list()).backend === 'env') await source.set(name, 'refused');
  const value = process.stdin.isTTY === true ? await typed(name) : await piped();
  composition.redactor.add(value);
  checkValue(value);
  const set = await source.set(name, value);
  const { protection, protection_changed, used_by, restart } = set;
  if (output.json) {
    output.document(set);
    return 0;
  }
  output.line(`${output.paint.green('ok')} ${name} is kept in ${set.place}.`);
  if (protection_changed) output.note(`From now on that file is protected by the ${protection}.`);
  if (used_by.length === 0) output.note(`Refer to it in the configuration as ${set.reference}.`);
  else if (restart) output.note(`${listed(used_by)} reads it when the gateway starts: restart it if it runs.`);
  else output.note(`${listed(used_by)} gets it when it is used next.`);
  return 0;
};
