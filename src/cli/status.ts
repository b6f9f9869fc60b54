// SPDX-License-Identifier: Apache-2.0
// `sigil status`: how the gateway is, on one screen.

import { EXIT } from './cli-error.ts';
import { targetText } from './client.ts';
import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, number, object, objects, text } from './json-reading.ts';
import { mcpState, mcpTools, mcpTrouble } from './mcp-rows.ts';
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

/** When a circuit that is not closed is tried again; nothing for one that is. */
function againText(circuit: JsonObject, now: number): string {
  const at = Date.parse(text(circuit['retry_at']));
  if (Number.isNaN(at)) return '';
  return at > now ? `tried again in ${spanText((at - now) / 1_000)}` : 'being tried';
}

function providerRow(provider: JsonObject, paint: Paint, now: number): string[] {
  const error = object(provider['last_error']);
  const state = stateText(provider['state']);
  const trouble =
    text(error['code']) === '' ? '' : `last error ${oneLine(text(error['code']))} ${agoText(text(error['at']), now)}`;
  const waiting = number(provider['waiting']);
  const waits = waiting === 0 ? '' : `, ${waiting} waiting for ${oneLine(text(provider['waits_for']))}`;
  const calls =
    provider['calls'] === undefined
      ? ''
      : `${number(provider['calls'])} calls, ${number(provider['failures'])} failed${waits}`;
  const shown = provider['available'] === false ? paint.red(state) : painted(state, paint);
  // What is wrong is told below, where there is room for it.
  const said = provider['available'] === false ? againText(provider, now) : oneLine(text(provider['message']));
  const left = [said, provider['available'] === false ? '' : trouble].filter((part) => part !== '').join(', ');
  return [oneLine(text(provider['name'])), shown, calls, left];
}

/** Models that are left alone while their provider is asked. */
function modelRows(provider: JsonObject, paint: Paint, now: number): string[][] {
  return objects(provider['models']).map((model) => [
    `${oneLine(text(provider['name']))}/${oneLine(text(model['model']))}`,
    paint.red(stateText(model['state'])),
    '',
    againText(model, now),
  ]);
}

/** What is wrong with a provider or its models, whole: it says what a person can do. */
function troubleLines(provider: JsonObject): string[] {
  const name = oneLine(text(provider['name']));
  const own = provider['available'] === false ? [`  ${name}: ${oneLine(text(provider['message']))}`] : [];
  const models = objects(provider['models']).map((model) => {
    const error = object(model['last_error']);
    return `  ${name}/${oneLine(text(model['model']))}: ${oneLine(text(error['code']))}: ${oneLine(text(error['message']))}`;
  });
  return [...own, ...models];
}

function channelRow(channel: JsonObject, paint: Paint): string[] {
  const received = channel['received'] === undefined ? '' : `${number(channel['received'])} received`;
  const type = oneLine(text(channel['type']));
  return [oneLine(text(channel['name'])), painted(stateText(channel['state']), paint), type, received];
}

function embeddingRow(embedding: JsonObject, paint: Paint, now: number): string[] {
  const waiting = number(embedding['waiting']);
  const first = embedding['workspaces'];
  const named = Array.isArray(first) ? first.slice(0, NAMED).map((id) => oneLine(text(id))) : [];
  const more = waiting > named.length ? ` and ${waiting - named.length} more` : '';
  const error = object(embedding['last_error']);
  const why =
    text(error['code']) === '' ? '' : `${oneLine(text(error['message']))} (${agoText(text(error['at']), now)})`;
  const state = stateText(embedding['state']);
  const shown = state === 'waiting' ? paint.yellow(state) : painted(state, paint);
  return [oneLine(text(embedding['model'])), shown, waiting === 0 ? '' : `for ${named.join(', ')}${more}`, why];
}

/** Nothing while all is well. */
function compactionRows(compactions: JsonObject, paint: Paint, now: number): string[][] {
  const rows: string[][] = [];
  const running = number(compactions['running']);
  if (running > 0) rows.push([painted('running', paint), `${running}`, '', '']);
  for (const state of ['failed', 'given_up']) {
    const count = number(compactions[state]);
    if (count === 0) continue;
    const newest = objects(compactions['newest']).find((one) => one['state'] === state) ?? {};
    const why =
      text(newest['code']) === '' ? '' : `${oneLine(text(newest['message']))} (${agoText(text(newest['at']), now)})`;
    const where = oneLine(text(newest['workspace_id']));
    rows.push([
      paint.yellow(state === 'failed' ? 'tried again' : 'given up'),
      `${count}`,
      where === '' ? '' : `in ${where}`,
      why,
    ]);
  }
  return rows;
}

/** Errors of the configuration shown. */
const WRONG = 20;
/** Workspaces named in a line. */
const NAMED = 3;

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

function pausedLine(paused: JsonObject, paint: Paint, now: number): string {
  const by = oneLine(text(paused['by']));
  const reason = oneLine(text(paused['reason']));
  const who = `${agoText(text(paused['since']), now)}${by === '' ? '' : ` by ${by}`}`;
  const why = reason === '' ? '' : `: ${reason}`;
  return `${paint.yellow('paused')}  ${who}${why}. Messages wait; \`sigil agent resume\` answers them.`;
}

/** The snapshot of `GET /api/v1/status` as lines. */
function overview(status: JsonObject, where: string, paint: Paint, width: number, now: number): string[] {
  const state = stateText(status['state']);
  const commit = oneLine(text(status['commit'])).slice(0, 12);
  const version = `Sigil ${oneLine(text(status['version']))}${commit === '' ? '' : ` (${commit})`}`;
  const lines = [
    `${painted(state, paint)}  ${paint.bold(version)}, up ${spanText(number(status['uptime_s']))}  ${paint.dim(where)}`,
  ];
  const paused = object(status['paused']);
  if (text(paused['since']) !== '') lines.push(pausedLine(paused, paint, now));
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
    objects(status['providers']).flatMap((provider) => [
      providerRow(provider, paint, now),
      ...modelRows(provider, paint, now),
    ]),
    [3],
  );
  lines.push(...objects(status['providers']).flatMap(troubleLines));
  section(
    'MCP servers',
    objects(status['mcp']).map((server) => [
      oneLine(text(server['name'])),
      mcpState(server, paint),
      mcpTools(server),
      mcpTrouble(server, now),
    ]),
    [3],
  );
  section('Budgets', objects(status['budgets']).map(budgetRow));
  section(
    'Embeddings',
    objects(status['embeddings']).map((embedding) => embeddingRow(embedding, paint, now)),
    [3],
  );
  section('Summing up', compactionRows(object(status['compactions']), paint, now), [3]);
  const left = objects(status['quarantined']);
  if (left.length > 0) {
    lines.push('', paint.yellow('Left out'));
    for (const part of left) {
      lines.push(
        `  ${oneLine(text(part['what']))}: ${oneLine(text(part['message']))} ${oneLine(text(part['advice']))}`,
      );
    }
  }
  const config = object(status['config']);
  const wrong = objects(config['errors']);
  if (wrong.length > 0) {
    const since = agoText(text(config['errors_at']), now);
    lines.push('', paint.red(`The configuration as it is written is not in force (${since}); the one before it is`));
    for (const error of wrong.slice(0, WRONG)) lines.push(`  ${oneLine(text(error['message']))}`);
    if (wrong.length > WRONG) lines.push(`  and ${wrong.length - WRONG} more; \`sigil config validate\` shows all`);
  }
  const waiting = status['restart_pending'];
  if (Array.isArray(waiting) && waiting.length > 0) {
    lines.push('', paint.yellow('Wait for a restart'), `  ${waiting.map((key) => oneLine(text(key))).join(', ')}`);
  }
  return lines;
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const watched = call.flag('watch');
  if (!watched) {
    process.once('SIGINT', () => process.exit(EXIT.interrupted));
    output.onClosed(() => process.exit(EXIT.done));
  }
  const { status, where } = await withGateway(call, async (client) => ({
    status: await client.get('/api/v1/status'),
    where: targetText(client.target),
  }));
  if (output.json) output.document(status);
  else output.write(`${overview(object(status), where, output.paint, output.width(), Date.now()).join('\n')}\n`);
  return watched ? await (await import('./status-watch.ts')).watch(call) : 0;
};
