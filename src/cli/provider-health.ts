// SPDX-License-Identifier: Apache-2.0
// `sigil provider health`: what is wrong with providers and what mends it; fails when something is.

import { EXIT } from './cli-error.ts';
import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, number, object, objects, text } from './json-reading.ts';
import type { Output } from './output.ts';
import { EVERYTHING, listOf } from './pages.ts';
import { latencyText, paintedState, problemLines } from './provider-rows.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';

function lines(providers: readonly JsonObject[], { paint }: Output): readonly string[] {
  const rows = providers.map((provider) => {
    const latency = object(provider['latency']);
    return [
      oneLine(text(provider['name'])),
      paintedState(provider, paint),
      String(number(provider['calls'])),
      String(number(provider['failures'])),
      latencyText(latency['first_event_ms']),
      latencyText(latency['took_ms']),
    ];
  });
  const head = ['NAME', 'CIRCUIT', 'CALLS', 'FAILED', 'FIRST p50/p95/p99', 'WHOLE p50/p95/p99'];
  const [first = '', ...rest] = tableLines([head, ...rows], { right: [2, 3] });
  return [paint.dim(first), ...rest, ...problemLines(providers, paint)];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [name] = call.args;
  const items = await withGateway(call, async (client) =>
    name === undefined
      ? (await listOf(client, '/api/v1/providers', EVERYTHING)).items
      : [object(await client.get(`/api/v1/providers/${encodeURIComponent(name)}`))],
  );
  const healthy = items.every((provider) => objects(provider['problems']).length === 0);
  if (output.json) output.document({ healthy, items });
  else output.write(`${lines(items, output).join('\n')}\n`);
  return healthy ? EXIT.done : EXIT.failed;
};
