// SPDX-License-Identifier: Apache-2.0
// `sigil actors`: the live actors by thread, one actor with its recent steps, or either of them watched.

import { actorsDocument, documentLines } from './actor-view.ts';
import { EXIT, wrongUsage } from './cli-error.ts';
import type { CommandRun } from './command.ts';

export const run: CommandRun = async (call) => {
  const { output, args } = call;
  if (args[0] !== undefined && call.value('kind') !== undefined) {
    throw wrongUsage('--kind chooses among actors, but one actor is named already.', 'Leave one of the two out.');
  }
  if (args[0] !== undefined && !/^[a-z-]+\/./.test(args[0])) {
    throw wrongUsage(
      `${JSON.stringify(args[0])} is no address of an actor.`,
      'Write it like session/ID; `sigil actors` lists them.',
    );
  }
  if (call.flag('watch')) {
    if (output.json) {
      throw wrongUsage('--watch has no end, and --json is one document.', 'Leave one of the two out.');
    }
    return await (await import('./actors-watch.ts')).watch(call);
  }
  process.once('SIGINT', () => process.exit(EXIT.interrupted));
  output.onClosed(() => process.exit(EXIT.done));
  const document = await actorsDocument(call);
  if (output.json) output.document(document);
  else output.write(`${documentLines(call, document).join('\n')}\n`);
  return 0;
};
