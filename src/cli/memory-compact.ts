// SPDX-License-Identifier: Apache-2.0
// `sigil memory compact`: has older messages summed up now, and waits until that is done.

import { setTimeout as sleep } from 'node:timers/promises';
import { isConnectionError } from './client.ts';
import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, number, object, objects, text } from './json-reading.ts';
import type { Output } from './output.ts';
import { withQuery } from './pages.ts';
import { progressLine } from './progress-line.ts';
import { oneLine } from './terminal-text.ts';

/** How often it is asked how far it is, in milliseconds. */
const LOOK_MS = 200;

const PATH = '/api/v1/memory/compactions';

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

function progressText(compaction: JsonObject): string {
  const [sessions, left] = [number(compaction['sessions']), number(compaction['left'])];
  const messages = counted(number(compaction['messages']), 'message', 'messages');
  return `${sessions - left} of ${counted(sessions, 'session', 'sessions')} done, ${messages} summed up; it goes on by itself if you leave`;
}

function report(compaction: JsonObject, output: Output): void {
  const [sessions, messages, facts] = ['sessions', 'messages', 'facts'].map((name) => number(compaction[name]));
  if (sessions === 0) {
    output.note('There is nothing to sum up: all that left the window is.');
    return;
  }
  const said = counted(messages ?? 0, 'message', 'messages');
  const into = counted(number(compaction['compactions']), 'summary', 'summaries');
  const of = counted(sessions ?? 0, 'session', 'sessions');
  output.line(`${said} of ${of} summed up in ${into}; ${counted(facts ?? 0, 'fact', 'facts')} kept.`);
  const failures = number(compaction['failures']);
  if (failures === 0) return;
  for (const failed of objects(compaction['failed']))
    output.note(`${oneLine(text(failed['session_id']))}: ${oneLine(text(failed['message']))}`);
  output.note(
    `${counted(failures, 'session', 'sessions')} could not be summed up. Nothing is lost; \`sigil status\` says when it is tried again.`,
  );
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [workspace_id, session_id] = [call.value('workspace'), call.value('session')];
  const body = {
    ...(workspace_id === undefined ? {} : { workspace_id }),
    ...(session_id === undefined ? {} : { session_id }),
  };
  let compaction = object(await withGateway(call, (client) => client.post(PATH, body)));
  const path = withQuery(`${PATH}/${encodeURIComponent(text(compaction['id']))}`, {
    workspace: text(compaction['workspace_id']),
  });
  const line = progressLine(output);
  try {
    while (text(compaction['status']) === 'running') {
      line.show(progressText(compaction));
      await sleep(LOOK_MS);
      try {
        compaction = object(await withGateway(call, (client) => client.get(path)));
      } catch (thrown) {
        if (!isConnectionError(thrown)) throw thrown;
        output.note('The gateway has stopped; what was begun it takes up when it is started again.');
        return 1;
      }
    }
  } finally {
    line.end();
  }
  if (output.json) output.document(compaction);
  else report(compaction, output);
  return number(compaction['failures']) === 0 ? 0 : 1;
};
