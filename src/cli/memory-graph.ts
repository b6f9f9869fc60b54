// SPDX-License-Identifier: Apache-2.0
// `sigil memory graph ENTITY`: the part of the graph around one entity, a relationship a line.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object, objects, text } from './json-reading.ts';
import { propertiesText } from './memory-entities.ts';
import { withQuery } from './pages.ts';
import { oneLine } from './terminal-text.ts';

export const run: CommandRun = async (call) => {
  const { output } = call;
  const path = withQuery('/api/v1/memory/graph', {
    entity: call.args[0],
    workspace: call.value('workspace'),
    depth: call.value('depth'),
    type: call.value('type'),
  });
  const graph = object(await withGateway(call, (client) => client.get(path)));
  if (output.json) {
    output.document(graph);
    return 0;
  }
  const entities = objects(graph['entities']);
  const names = new Map(entities.map((entity) => [text(entity['id']), oneLine(text(entity['name']))]));
  const nameOf = (id: unknown): string => names.get(text(id)) ?? oneLine(text(id));
  const { bold, dim } = output.paint;
  const [start = {}] = entities;
  const said = [oneLine(text(start['type'])), propertiesText(start['properties'])].filter((part) => part !== '');
  const lines = [
    `${bold(nameOf(start['id']))}  ${dim(said.join('; '))}`,
    ...objects(graph['relationships']).map(
      (one) => `  ${nameOf(one['from_id'])} ${dim(`─ ${oneLine(text(one['type']))} →`)} ${nameOf(one['to_id'])}`,
    ),
  ];
  output.write(`${lines.join('\n')}\n`);
  if (graph['truncated'] === true) output.note('There is more than this; ask for fewer steps, or for one type.');
  return 0;
};
