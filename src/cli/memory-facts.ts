// SPDX-License-Identifier: Apache-2.0
// `sigil memory facts`: what a workspace knows, newest first, one statement a line.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, text } from './json-reading.ts';
import { listOf } from './pages.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';
import { agoText } from './time-text.ts';

const DEFAULT_LIMIT = 50;

/** A fact as a sentence: about what, how it is said, and what. */
function statement(fact: JsonObject): string {
  const about = text(fact['entity_name']) || text(fact['entity_id']);
  return oneLine([about, text(fact['predicate']), text(fact['value'])].join(' '));
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const limit = Number(call.value('limit') ?? DEFAULT_LIMIT);
  const query = {
    workspace: call.value('workspace'),
    entity: call.value('entity'),
    predicate: call.value('predicate'),
  };
  const { items, nextCursor } = await withGateway(call, (client) =>
    listOf(client, '/api/v1/memory/facts', limit, query),
  );
  if (output.json) {
    output.document({ items, next_cursor: nextCursor });
    return 0;
  }
  if (items.length === 0) {
    output.note('No facts are known there; “remember that …” in a chat keeps one.');
    return 0;
  }
  const now = Date.now();
  const rows = items.map((fact) => [
    statement(fact),
    oneLine(text(fact['user_id'])) || '–',
    agoText(text(fact['created_at']), now),
  ]);
  const [head = '', ...rest] = tableLines([['FACT', 'SAID BY', 'SINCE'], ...rows], {
    give: [0],
    width: output.width(),
  });
  output.write(`${[output.paint.dim(head), ...rest].join('\n')}\n`);
  return 0;
};
