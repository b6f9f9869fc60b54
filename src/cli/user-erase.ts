// SPDX-License-Identifier: Apache-2.0
// `sigil user erase ID`: erases everything that is held about somebody, after their id was typed, and waits until it is done.

import { setTimeout as sleep } from 'node:timers/promises';
import { isConnectionError } from './client.ts';
import type { CommandRun } from './command.ts';
import { agreedByWord, checkAskable } from './confirm.ts';
import { withGateway } from './connect.ts';
import { object, text } from './json-reading.ts';
import { progressLine } from './progress-line.ts';
import { oneLine } from './terminal-text.ts';

/** How often it is asked whether it is done, in milliseconds. */
const LOOK_MS = 200;

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [id = ''] = call.args;
  const path = `/api/v1/users/${encodeURIComponent(id)}`;
  checkAskable(call, `erase everything about ${oneLine(id)}`);
  const warning =
    `This erases every session, message, memory and fact of ${oneLine(id)}, with their user, pairings and tokens, for good; ` +
    'backups are not reached.';
  if (!(await agreedByWord(call, warning, id))) {
    output.note('Nothing was erased.');
    return 1;
  }
  let erasure = object(await withGateway(call, (client) => client.post(`${path}/erase`, { confirm: id })));
  const line = progressLine(output);
  try {
    while (text(erasure['status']) === 'running') {
      line.show(`erasing ${oneLine(id)}; it goes on by itself if you leave`);
      await sleep(LOOK_MS);
      try {
        erasure = object(await withGateway(call, (client) => client.get(`${path}/erasure`)));
      } catch (thrown) {
        if (!isConnectionError(thrown)) throw thrown;
        output.note('The gateway has stopped; it goes on with the erasure when it is started again.');
        return 1;
      }
    }
  } finally {
    line.end();
  }
  if (output.json) output.document(erasure);
  else {
    output.line(`${output.paint.green('ok')} Everything about ${oneLine(id)} is erased.`);
    output.note('Not reached: backups and exports made before, and lines typed into chats on other machines.');
  }
  return 0;
};
