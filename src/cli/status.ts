// SPDX-License-Identifier: Apache-2.0
// `sigil status`: how the gateway is, on one screen.

import { targetText } from './client.ts';
import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, number, object, objects, text } from './json-reading.ts';
import type { Paint } from './output.ts';
import { counted, countsText, stateText } from './state-text.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';
import { agoText, spanText } from './time-text.ts';

const WELL = new Set([
  'ok',
  'running',
  'ready',
  'idle',
  'active',
  'open',
  'connected',
  'online',
  'available',
  'closed',
  'up',
]);
const ILL = new Set(['failed', 'stopped', 'quarantined', 'unavailable', 'error', 'down', 'unreachable']);

function painted(state: string, paint: Paint): string {
  if (WELL.has(state)) return paint.green(state);
  return ILL.has(state) ? paint.red(state) : paint.yellow(state);
}

function mebibytes(bytes: unknown): string {
  return `${(number(bytes) / 1024 / 1024).toFixed(0)} MB`;
}

function threadRow(thread: JsonObject, paint: Paint, now: number): string[] {
  const delay = object(thread['loop_delay_ms']);
  const restarts = number(thread['restarts']);
  const last = object(thread['last_restart']);
  const why = `${oneLine(text(last['reason']))} ${agoText(text(last['at']), now)}`;
  const restarted = restarts > 0 ? `${counted(restarts, 'restart')}, last: ${why}` : '';
  const name = oneLine(text(thread['name']));
  const state = stateText(thread['state']);
  if (state !== '' && state !== 'up') return [name, paint.red(state), restarted];
  return [
    name,
    counted(number(thread['actors']), 'actor'),
    `${Math.round(number(thread['utilisation']) * 100)} % busy`,
    `delay p99 ${number(delay['p99']).toFixed(1)} ms`,
    mebibytes(thread['heap_bytes']),
    restarted,
  ];
}

function providerRow(provider: JsonObject, paint: Paint, now: number): string[] {
  const error = object(provider['last_error']);
  const state = stateText(provider['state']);
  const trouble =
    text(error['code']) === '' ? '' : `last error ${oneLine(text(error['code']))} ${agoText(text(error['at']), now)}`;
  const calls =
    provider['calls'] === undefined ? '' : `${number(provider['calls'])} calls, ${number(provider['failures'])} failed`;
  const shown = provider['available'] === false ? paint.red(state) : painted(state, paint);
  return [oneLine(text(provider['name'])), shown, calls, oneLine(text(provider['message'])) || trouble];
}

function channelRow(channel: JsonObject, paint: Paint): string[] {
  const received = channel['received'] === undefined ? '' : `${number(channel['received'])} received`;
  const type = oneLine(text(channel['type']));
  return [oneLine(text(channel['name'])), painted(stateText(channel['state']), paint), type, received];
}

function spendText(used: JsonObject, limit: JsonObject): string {
  const parts: string[] = [];
  const of = (value: string, most: number, shown: string) => (most > 0 ? `${value} of ${shown}` : value);
  const cost = number(limit['cost_usd']);
  const tokens = number(limit['tokens']);
  parts.push(of(`$${number(used['cost_usd']).toFixed(2)}`, cost, `$${cost.toFixed(2)}`));
  parts.push(of(`${number(used['tokens'])}`, tokens, `${tokens}`).concat(' tokens'));
  return parts.join(', ');
}

function budgetRow(budget: JsonObject): string[] {
  const [used, limits] = [object(budget['used']), object(budget['limits'])];
  const window = (name: string) => `${name} ${spendText(object(used[name]), object(limits[name]))}`;
  return [oneLine(text(budget['scope'])), window('hour'), window('day')];
}

/** The snapshot of `GET /api/v1/status` as lines. */
function overview(status: JsonObject, where: string, paint: Paint, width: number, now: number): string[] {
  const state = stateText(status['state']);
  const commit = oneLine(text(status['commit'])).slice(0, 12);
  const version = `Sigil ${oneLine(text(status['version']))}${commit === '' ? '' : ` (${commit})`}`;
  const lines = [
    `${painted(state, paint)}  ${paint.bold(version)}, up ${spanText(number(status['uptime_s']))}  ${paint.dim(where)}`,
  ];
  const section = (title: string, rows: readonly (readonly string[])[], give?: readonly number[]) => {
    if (rows.length === 0) return;
    const layout = give === undefined ? {} : { give, width };
    lines.push('', paint.bold(title), ...tableLines(rows, { indent: '  ', ...layout }));
  };
  const actors = object(status['actors']);
  const total = number(actors['total']);
  const kinds = countsText(actors['by_kind']);
  section(
    'Threads',
    objects(status['threads']).map((thread) => threadRow(thread, paint, now)),
  );
  if (kinds !== '') section('Actors', [[total > 0 ? `${total}: ${kinds}` : kinds]]);
  section(
    'Channels',
    objects(status['channels']).map((channel) => channelRow(channel, paint)),
  );
  section(
    'Providers',
    objects(status['providers']).map((provider) => providerRow(provider, paint, now)),
    [3],
  );
  section('Budgets', objects(status['budgets']).map(budgetRow));
  const left = objects(status['quarantined']);
  if (left.length > 0) {
    lines.push('', paint.yellow('Left out'));
    for (const part of left) {
      lines.push(
        `  ${oneLine(text(part['what']))}: ${oneLine(text(part['message']))} ${oneLine(text(part['advice']))}`,
      );
    }
  }
  const waiting = status['restart_pending'];
  if (Array.isArray(waiting) && waiting.length > 0) {
    lines.push('', paint.yellow('Wait for a restart'), `  ${waiting.map((key) => oneLine(text(key))).join(', ')}`);
  }
  return lines;
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const { status, where } = await withGateway(call, async (client) => ({
    status: await client.get('/api/v1/status'),
    where: targetText(client.target),
  }));
  if (output.json) output.document(status);
  else output.write(`${overview(object(status), where, output.paint, output.width(), Date.now()).join('\n')}\n`);
  return 0;
};
