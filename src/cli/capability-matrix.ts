// SPDX-License-Identifier: Apache-2.0
// `sigil capability matrix`: what each role may do, workspace by workspace.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, object, objects, text } from './json-reading.ts';
import type { Output } from './output.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';

const ROLES = ['owner', 'admin', 'member', 'guest'] as const;

/** One workspace: what it says, and a table of it. A no shows whose it is. */
export function matrixLines(matrix: JsonObject, { paint }: Pick<Output, 'paint'>): string[] {
  const { workspace_id: id, allow, deny } = matrix;
  const patterns = (value: unknown): string =>
    Array.isArray(value) ? value.map((one) => oneLine(text(one))).join(' ') : '';
  const rules = [
    `allows ${allow === null ? 'the safe tools' : patterns(allow) || 'nothing'}`,
    ...(patterns(deny) === '' ? [] : [`denies ${patterns(deny)}`]),
  ].join('; ');
  const rows = objects(matrix['rows']).map((row) => [
    [text(row['capability']), ...(Array.isArray(row['needs']) ? row['needs'].map(text) : [])].map(oneLine).join(' + '),
    ...ROLES.map((role) => cellOf(object(object(row['roles'])[role]))),
  ]);
  const [head = '', ...rest] = tableLines([['CAPABILITY', ...ROLES.map((role) => role.toUpperCase())], ...rows]);
  return [`${id === null ? 'Every other workspace' : oneLine(text(id))}: ${rules}`, paint.dim(head), ...rest];
}

function cellOf(decision: JsonObject): string {
  if (decision['allowed'] === true) return 'yes';
  return `no (${oneLine(text(decision['rule'])).split(/[. ]/)[0] ?? ''})`;
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const body = object(await withGateway(call, (client) => client.get('/api/v1/capabilities')));
  if (output.json) output.document(body);
  else
    output.write(
      `${objects(body['workspaces'])
        .map((one) => matrixLines(one, output).join('\n'))
        .join('\n\n')}\n`,
    );
  return 0;
};
