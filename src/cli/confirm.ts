// SPDX-License-Identifier: Apache-2.0
// Asks a person on the terminal whether something that cannot be taken back is to be done.

import { createInterface } from 'node:readline';
import { interrupted, wrongUsage } from './cli-error.ts';
import type { Call } from './command.ts';

function asked(question: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const line = createInterface({ input: process.stdin, output: process.stderr, terminal: true, historySize: 0 });
  let answered = false;
  line.on('close', () => {
    if (!answered) reject(interrupted());
  });
  line.question(question, (answer) => {
    answered = true;
    line.close();
    resolve(answer.trim());
  });
  return promise;
}

/** Where nobody can be asked, `--yes` must have been given. @throws CliError `wrong_usage` */
export function checkAskable(call: Call, what: string): void {
  if (call.flag('yes') || (process.stdin.isTTY === true && !call.output.json)) return;
  throw wrongUsage(`Nobody can be asked whether to ${what}.`, 'Add --yes to do it without being asked.');
}

/** Whether they agree: `--yes` does, else `y`. */
export async function agreed(call: Call, question: string): Promise<boolean> {
  return call.flag('yes') || /^y(es)?$/i.test(await asked(`${question} [y/N] `));
}

/** Whether they agree by typing a word, as for what is too much for one letter; `--yes` does too. */
export async function agreedByWord(call: Call, question: string, word: string): Promise<boolean> {
  return call.flag('yes') || (await asked(`${question} Type ${word} to go on: `)) === word;
}
