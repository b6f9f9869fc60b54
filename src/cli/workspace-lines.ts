// SPDX-License-Identifier: Apache-2.0
// A workspace as the command line shows it.

import { type JsonObject, objects, text } from './json-reading.ts';
import type { Output } from './output.ts';
import { oneLine } from './terminal-text.ts';

/** One fact a line. */
export function workspaceLines(workspace: JsonObject, { paint }: Output): string[] {
  const bindings = objects(workspace['bindings']).map(
    (one) => `${oneLine(text(one['channel']))}:${oneLine(text(one['channel_id']))}`,
  );
  const members = Array.isArray(workspace['members']) ? (workspace['members'] as readonly unknown[]) : [];
  const facts: readonly (readonly [string, string])[] = [
    ['workspace', oneLine(text(workspace['id']))],
    ['for', oneLine(text(workspace['description'])) || '–'],
    ['members', members.map((one) => oneLine(text(one))).join(', ') || '–'],
    ['conversations', bindings.join(', ') || '–'],
    ['from', workspace['configured'] === true ? 'configuration' : 'here'],
  ];
  return facts.map(([name, value]) => `${paint.dim(name.padEnd(13))}  ${value}`);
}
