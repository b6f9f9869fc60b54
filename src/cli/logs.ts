// SPDX-License-Identifier: Apache-2.0
// `sigil logs`: the newest lines of the log of a gateway that runs, and those to come.

import { CliError, EXIT } from './cli-error.ts';
import { isConnectionError } from './client.ts';
import type { Call, CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { serverEvents } from './event-stream.ts';
import { type JsonObject, object, parsed, text } from './json-reading.ts';
import { documentText, type Output, type Paint } from './output.ts';
import { listOf, withQuery } from './pages.ts';
import { statusOf, stopping } from './stopping.ts';
import { oneLine } from './terminal-text.ts';
import { timeOption } from './time-option.ts';

const DEFAULT_LINES = 100;
const LONGEST_LEVEL = 5;
/** Named on the line by themselves, where it has them. */
const IDS = ['request_id', 'turn_id', 'session_id', 'workspace_id', 'trace_id'];

export const run: CommandRun = async (call) => {
  // None that are there already is for who waits for those to come.
  const lines = Math.max(call.flag('follow') ? 0 : 1, Number(call.value('lines') ?? DEFAULT_LINES));
  const query = {
    level: call.value('level'),
    session: call.value('session'),
    turn: call.value('turn'),
    request: call.value('request'),
    since: timeOption(call, 'since', Date.now()),
    q: call.value('grep'),
  };
  try {
    return await (call.flag('follow') ? follow(call, lines, query) : list(call, lines, query));
  } catch (thrown) {
    throw isConnectionError(thrown) && thrown instanceof CliError && thrown.code === 'not_running'
      ? noneRuns(thrown)
      : thrown;
  }
};

type Query = Readonly<Record<string, string | undefined>>;

async function list(call: Call, lines: number, query: Query): Promise<number> {
  const { output } = call;
  const { items, nextCursor } = await withGateway(call, (client) => listOf(client, '/api/v1/logs', lines, query));
  if (output.json) output.document({ items, next_cursor: nextCursor });
  else if (items.length === 0) output.note('There are no such lines.');
  else for (const line of items.toReversed()) write(output, line);
  return EXIT.done;
}

async function follow(call: Call, lines: number, query: Query): Promise<number> {
  const { output } = call;
  const { ended, signal } = stopping(output);
  try {
    await withGateway(call, async (client) => {
      const response = await client.open('GET', withQuery('/api/v1/logs/stream', { ...query, lines }), {
        signal,
        headers: { accept: 'text/event-stream' },
      });
      for await (const { event, data } of serverEvents(response, signal)) {
        const told = object(parsed(data));
        if (event === 'error')
          throw new CliError(
            told['code'] === 'unauthenticated' ? 'unauthenticated' : 'slow_consumer',
            oneLine(text(told['message'])),
            'Follow it again, or into a file.',
          );
        if (event !== 'line') continue;
        if (output.json) output.write(`${documentText(told, 0)}\n`);
        else write(output, told);
      }
    });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  if (signal.aborted) return statusOf(await ended);
  output.note('The gateway ended the stream.');
  return EXIT.done;
}

/** What a line says, in one line: what it is about last, and paler. */
function write({ paint, line }: Output, entry: JsonObject): void {
  const level = text(entry['level']);
  const named = IDS.flatMap((name) => (text(entry[name]) === '' ? [] : [[name, entry[name]] as const]));
  const fields = [...Object.entries(object(entry['fields'])), ...named];
  const rest = fields.map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const parts = [
    paint.dim(oneLine(text(entry['at']))),
    painted(paint, level)(oneLine(level.toUpperCase()).padEnd(LONGEST_LEVEL)),
    paint.cyan(oneLine(text(entry['thread']))),
    oneLine(text(entry['message'])),
    paint.dim(oneLine(rest.join(' '))),
  ];
  line(parts.filter((part) => part !== '').join('  '));
}

function painted(paint: Paint, level: string): (text: string) => string {
  if (level === 'error' || level === 'fatal') return paint.red;
  if (level === 'warn') return paint.yellow;
  return level === 'info' ? paint.green : paint.dim;
}

/** The lines of one that has ended are where it wrote them. */
function noneRuns(cause: CliError): CliError {
  return new CliError(
    cause.code,
    cause.message,
    'It keeps lines only while it runs. Those of one that has ended are where its stderr went: `journalctl -u sigil` under systemd ' +
      '(`--user -u sigil` for a service of yours), `podman logs sigil` or `docker logs sigil` of a container. Start one with `sigil start`.',
    { cause },
  );
}
