// SPDX-License-Identifier: Apache-2.0
// `sigil secret remove NAME`: forgets a secret, after asking on a terminal.

import { createInterface } from 'node:readline';
import { interrupted, wrongUsage } from './cli-error.ts';
import type { CommandRun } from './command.ts';
import { listed, nameOf, secretSource } from './secret-source.ts';

function agrees(question: string): Promise<boolean> {
  const { promise, resolve, reject } = Promise.withResolvers<boolean>();
  const line = createInterface({ input: process.stdin, output: process.stderr, terminal: true, historySize: 0 });
  let answered = false;
  line.on('close', () => {
    if (!answered) reject(interrupted());
  });
  line.question(question, (answer) => {
    answered = true;
    line.close();
    resolve(/^y(es)?$/i.test(answer.trim()));
  });
  return promise;
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const name = nameOf(call);
  const { store, used } = await secretSource(call);
  const used_by = used.get(name) ?? [];
  const uses = used_by.length === 0 ? '' : ` ${listed(used_by)} will not work without it.`;
  if (store.backend === 'env') await store.remove(name);
  if (!call.flag('yes')) {
    if (process.stdin.isTTY !== true || output.json)
      throw wrongUsage(`Nobody can be asked whether to remove ${name}.`, 'Add --yes to remove it without being asked.');
    // Asked only about what is there.
    await store.get(name);
    if (!(await agrees(`Remove ${name} from ${store.place}?${uses} [y/N] `))) {
      output.note('Nothing was removed.');
      return 1;
    }
  }
  await store.remove(name);
  await store.close();
  if (output.json) output.document({ name, backend: store.backend, removed: true, used_by });
  else {
    output.line(`${output.paint.green('ok')} ${name} is removed.`);
    if (uses !== '') output.note(uses.trim());
  }
  return 0;
};
