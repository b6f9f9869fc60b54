// SPDX-License-Identifier: Apache-2.0
// `sigil session show ID`: a session and its messages, oldest first, as a transcript.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, number, object, objects, strings, text } from './json-reading.ts';
import type { Output } from './output.ts';
import { listOf } from './pages.ts';
import { oneLine, visible } from './terminal-text.ts';
import { agoText } from './time-text.ts';

const MOST = 100_000;

function headLines(session: JsonObject, { paint }: Output, now: number): string[] {
  const title = oneLine(text(session['title']));
  const facts = [
    `workspace ${oneLine(text(session['workspace_id']))}`,
    `${number(session['turns'])} turns`,
    `${number(session['messages'])} messages`,
    `begun ${agoText(text(session['created_at']), now)}`,
    oneLine(text(session['status'])),
  ];
  return [
    `${paint.bold(`Session ${oneLine(text(session['id']))}`)}${title === '' ? '' : `  ${title}`}`,
    paint.dim(facts.join(', ')),
  ];
}

function messageLines(message: JsonObject, { paint }: Output, now: number): string[] {
  const role = oneLine(text(message['role']));
  const name = role === 'user' ? paint.cyan(role) : role === 'assistant' ? paint.green(role) : paint.yellow(role);
  const content = visible(text(message['content']));
  const calls = objects(message['tool_calls']).map((call) =>
    paint.dim(`  → ${oneLine(text(call['name']))} ${oneLine(text(call['arguments']))}`),
  );
  const lines = content === '' ? [] : content.split('\n').map((line) => (line === '' ? '' : `  ${line}`));
  const files = strings(message['attachments']).map((file) => paint.dim(`  + ${oneLine(file)}`));
  return ['', `${name}  ${paint.dim(agoText(text(message['created_at']), now))}`, ...lines, ...files, ...calls];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const path = `/api/v1/sessions/${encodeURIComponent(call.args[0] ?? '')}`;
  const { session, messages } = await withGateway(call, async (client) => ({
    session: object(await client.get(path)),
    messages: (await listOf(client, `${path}/messages`, MOST)).items,
  }));
  if (output.json) {
    output.document({ session, messages });
    return 0;
  }
  const now = Date.now();
  const lines = [
    ...headLines(session, output, now),
    ...messages.flatMap((message) => messageLines(message, output, now)),
  ];
  output.write(`${lines.join('\n')}\n`);
  return 0;
};
