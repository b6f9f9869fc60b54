// SPDX-License-Identifier: Apache-2.0
// `sigil memory recall WORDS…`: what the agent would recall for a text, by kind of thing.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, object, objects, text } from './json-reading.ts';
import type { Output } from './output.ts';
import { withQuery } from './pages.ts';
import { foundLines, snippetText } from './snippet-text.ts';
import { oneLine } from './terminal-text.ts';

const DEFAULT_LIMIT = 10;

function summaryLines(summary: JsonObject, output: Output): string[] {
  const day = (name: string): string => oneLine(text(summary[name])).slice(0, 10);
  const span = `${day('from')} to ${day('to')}, session ${oneLine(text(summary['session_id']))}`;
  return [output.paint.dim(span), `  ${snippetText(object(summary['snippet']), output)}`];
}

function factLine(fact: JsonObject): string[] {
  const of = text(fact['entity_name']) || text(fact['entity_id']);
  return [`  ${oneLine([of, text(fact['predicate']), text(fact['value'])].join(' '))}`];
}

function entityLine(entity: JsonObject): string[] {
  return [`  ${oneLine(`${text(entity['name'])} (${text(entity['type'])})`)}`];
}

function similarLines(similar: JsonObject, { paint }: Output): string[] {
  const head = `${oneLine(text(similar['source']))}, ${Math.round(Number(similar['score']) * 100)} % alike`;
  return [paint.dim(head), `  ${oneLine(text(similar['text']))}`];
}

/** One kind of thing under its head; nothing when there is none of it. */
function part(head: string, items: readonly (readonly string[])[], { paint }: Output): string[] {
  return items.length === 0 ? [] : [paint.bold(head), ...items.flat(), ''];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const query = {
    q: call.args.join(' '),
    workspace: call.value('workspace'),
    session: call.value('session'),
    limit: call.value('limit') ?? DEFAULT_LIMIT,
  };
  const recalled = object(await withGateway(call, (client) => client.get(withQuery('/api/v1/memory/recall', query))));
  if (output.json) {
    output.document(recalled);
    return 0;
  }
  const now = Date.now();
  const known = [...objects(recalled['entities']).map(entityLine), ...objects(recalled['facts']).map(factLine)];
  const lines = [
    ...part('Known', known, output),
    ...part(
      'Summaries',
      objects(recalled['summaries']).map((item) => summaryLines(item, output)),
      output,
    ),
    ...part(
      'Messages',
      objects(recalled['messages']).map((item) => foundLines(item, output, now)),
      output,
    ),
    ...part(
      'Alike',
      objects(recalled['similar']).map((item) => similarLines(item, output)),
      output,
    ),
  ];
  const failed = object(recalled['similar_error']);
  if (text(failed['code']) !== '')
    output.note(`What is alike in meaning cannot be looked for now: ${oneLine(text(failed['message']))}`);
  if (lines.length === 0) output.note('This brings nothing to mind.');
  else output.write(`${lines.join('\n').trimEnd()}\n`);
  return 0;
};
