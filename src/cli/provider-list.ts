// SPDX-License-Identifier: Apache-2.0
// `sigil provider list`: the providers there are and how each is, also while no gateway runs.

import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, number, object, objects, text } from './json-reading.ts';
import { type OfflineProviders, orOffline } from './offline-providers.ts';
import type { Output } from './output.ts';
import { EVERYTHING, listOf } from './pages.ts';
import { latencyText, paintedState } from './provider-rows.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';

function configured({ running, leftOut }: OfflineProviders): readonly JsonObject[] {
  return [
    ...running.map(({ name, type }) => ({ name, type, state: 'configured', problems: [] })),
    ...leftOut.map(({ name, message, advice }) => ({
      ...{ name, type: '', state: 'quarantined' },
      problems: [{ what: name, message, advice }],
    })),
  ];
}

function messageOf(provider: JsonObject): string {
  const [problem] = objects(provider['problems']);
  return oneLine(problem === undefined ? text(provider['message']) : text(problem['message']));
}

function lines(providers: readonly JsonObject[], { paint, width, terminal }: Output): readonly string[] {
  const figure = (provider: JsonObject, name: string): string =>
    provider[name] === undefined ? '–' : String(number(provider[name]));
  const rows = providers.map((provider) => [
    oneLine(text(provider['name'])),
    oneLine(text(provider['type'])) || '–',
    paintedState(provider, paint),
    figure(provider, 'calls'),
    figure(provider, 'failures'),
    latencyText(object(provider['latency'])['first_event_ms']),
    messageOf(provider),
  ]);
  const head = ['NAME', 'TYPE', 'CIRCUIT', 'CALLS', 'FAILED', 'FIRST p50/p95/p99', 'MESSAGE'];
  // A person sees a line for each; what reads along gets it whole.
  const fitting = terminal ? { give: [6], width: width() } : {};
  const [first = '', ...rest] = tableLines([head, ...rows], { right: [3, 4], ...fitting });
  return [paint.dim(first), ...rest];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const asked = async (): Promise<readonly JsonObject[]> =>
    (await withGateway(call, (client) => listOf(client, '/api/v1/providers', EVERYTHING))).items;
  const items = await orOffline(call, asked, configured);
  if (output.json) output.document({ items, next_cursor: null });
  else {
    output.write(`${lines(items, output).join('\n')}\n`);
    if (items.some((provider) => objects(provider['problems']).length > 0))
      output.note('`sigil provider health` says what mends it.');
  }
  return 0;
};
