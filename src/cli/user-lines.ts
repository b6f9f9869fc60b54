// SPDX-License-Identifier: Apache-2.0
// Users as the command line shows them.

import { type JsonObject, objects, text } from './json-reading.ts';
import type { Output } from './output.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';

/** Who a user is on each platform. */
function identitiesText(user: JsonObject): string {
  const identities = objects(user['identities']);
  return (
    identities.map((one) => `${oneLine(text(one['channel']))}:${oneLine(text(one['platform_id']))}`).join(' ') || '–'
  );
}

/** Users as a table with a head. */
export function userLines(users: readonly JsonObject[], { paint, width }: Output): string[] {
  const head = ['USER', 'NAME', 'ROLE', 'KNOWN AS', 'FROM'];
  const rows = users.map((user) => [
    oneLine(text(user['id'])),
    oneLine(text(user['name'])) || '–',
    oneLine(text(user['role'])),
    identitiesText(user),
    user['configured'] === true ? 'configuration' : 'here',
  ]);
  const [first = '', ...rest] = tableLines([head, ...rows], { give: [3, 1], width: width() });
  return [paint.dim(first), ...rest];
}
