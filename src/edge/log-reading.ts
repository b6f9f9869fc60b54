// SPDX-License-Identifier: Apache-2.0
// Lines of the log as they are answered and followed: read from the JSON they were written as, chosen by what was asked for.

import { readQuery } from './body.ts';
import type { EdgeContext } from './context.ts';
import { openCursor, otherList, sealCursor } from './cursor.ts';
import { type EventStream, frame, WAITING_LIMIT } from './event-stream.ts';
import { type Answer, type Exchange, json, STREAMED } from './exchange.ts';
import { type LastEvent, lastEventId } from './last-event-id.ts';
import type { EdgePorts, KeptLine, KeptLog } from './ports.ts';
import { type LogLineAnswer, type LogLinesAnswer, LogStreamQuery, LogsQuery, type LogWish } from './schemas/logs.ts';

/** The numbers pino writes for levels. */
const LEVELS: Readonly<Record<string, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};
const LEAST = { debug: 20, info: 30, warn: 40, error: 50 } as const;

const SLOW = frame('error', {
  code: 'slow_consumer',
  message: 'Too much waited for this reader; read on from the last line that came.',
});

/** A line and what is needed to choose it. */
interface Read {
  readonly level: number;
  readonly time: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

function read({ text }: KeptLine): Read | undefined {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  return { level: Number(fields['level']), time: Date.parse(String(fields['time'])), fields };
}

/** Chooses lines as they are asked for; undefined for one that is not. */
function choosing(wish: LogWish): (line: KeptLine) => Read | undefined {
  const least = wish.level === undefined ? 0 : LEAST[wish.level];
  const since = wish.since === undefined ? Number.NEGATIVE_INFINITY : Date.parse(wish.since);
  const part = wish.q?.toLowerCase();
  const named = Object.entries({ session_id: wish.session, turn_id: wish.turn, request_id: wish.request });
  const ids = named.filter(([, id]) => id !== undefined);
  return (line) => {
    const found = read(line);
    if (found === undefined || found.level < least || found.time < since) return undefined;
    if (!ids.every(([name, id]) => found.fields[name] === id)) return undefined;
    // As a person reads it: quotes and line ends in a text are none of the JSON's.
    if (part !== undefined && !texts(found.fields).some((text) => text.toLowerCase().includes(part))) return undefined;
    return found;
  };
}

/** Everything a line says, each value by itself. */
function texts(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [String(value)];
  return Object.entries(value).flatMap(([name, inside]) => [name, ...texts(inside)]);
}

const idOf = (log: KeptLog, { n }: KeptLine): string => `${log.name}:${n}`;

function shown({ redactor }: EdgePorts, log: KeptLog, line: KeptLine, { fields }: Read): LogLineAnswer {
  const { level, time, msg, thread = 'main', ...more } = redactor === undefined ? fields : redactor.data(fields);
  const { request_id, turn_id, session_id, workspace_id, trace_id, ...rest } = more;
  const known = (id: unknown): string | null => (typeof id === 'string' && id !== '' ? id : null);
  return {
    ...{ id: idOf(log, line), at: String(time), level: LEVELS[Number(level)] ?? String(level) },
    ...{ message: String(msg ?? ''), thread: String(thread) },
    ...{ request_id: known(request_id), turn_id: known(turn_id), session_id: known(session_id) },
    ...{ workspace_id: known(workspace_id), trace_id: known(trace_id), fields: rest },
  };
}

/** `GET /api/v1/logs`: the newest first. */
export function listLines({ ports }: EdgeContext, log: KeptLog, exchange: Exchange): Answer {
  const { limit, cursor, ...wish } = readQuery(exchange, LogsQuery);
  const chosen = choosing(wish);
  const items: LogLineAnswer[] = [];
  let last = 0;
  for (const line of log.newestFirst(beforeOf(log, cursor))) {
    const found = chosen(line);
    if (found === undefined) continue;
    if (items.length === limit) return json({ items, next_cursor: sealCursor({ log: log.name, before: last }) });
    items.push(shown(ports, log, line, found));
    last = line.n;
  }
  return json({ items, next_cursor: null } satisfies LogLinesAnswer);
}

function beforeOf(log: KeptLog, cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined;
  const { log: of, before } = openCursor(cursor);
  // Lines of another life are gone: whoever pages through them begins anew.
  if (of !== log.name || !/^\d{1,15}$/.test(before ?? '')) throw otherList();
  return Number(before);
}

/** `GET /api/v1/logs/stream`. @throws Refusal `rate_limited`, `validation_failed` */
export function followLines(edge: EdgeContext, log: KeptLog, exchange: Exchange): Answer {
  const { ports } = edge;
  const { lines, ...wish } = readQuery(exchange, LogStreamQuery);
  const last = lastEventId(exchange);
  const chosen = choosing(wish);
  const release = edge.enterStream(exchange.caller);
  let stream: EventStream;
  try {
    stream = edge.openStream(exchange);
  } catch (thrown) {
    release();
    throw thrown;
  }
  const framed = (line: KeptLine): string => {
    const found = chosen(line);
    return found === undefined ? '' : frame('line', shown(ports, log, line, found), idOf(log, line));
  };
  const at = ports.world.iso(ports.world.now());
  const { missed, before } = past(log, last, lines, framed);
  const here = frame('listening', { at }, idOf(log, { n: log.last, text: '' }));
  stream.write(`${missed ? frame('missed', { at }) : ''}${before}${here}`);
  const stop = log.follow((line) => {
    if (stream.waiting > WAITING_LIMIT) stream.end(SLOW);
    else stream.write(framed(line));
  });
  const settled = edge.untilClosing(() => stream.end(''));
  stream.onClose(() => {
    stop();
    release();
    settled();
  });
  return STREAMED;
}

/** What comes first: what was missed, or as many lines as were asked for. */
function past(
  log: KeptLog,
  last: LastEvent | undefined,
  lines: number,
  framed: (line: KeptLine) => string,
): { readonly missed: boolean; readonly before: string } {
  const frames: string[] = [];
  if (last === undefined) {
    for (const line of log.newestFirst()) {
      if (frames.length >= lines) break;
      const text = framed(line);
      if (text !== '') frames.push(text);
    }
    return { missed: false, before: frames.reverse().join('') };
  }
  if (last.of !== log.name || last.n > log.last) return { missed: true, before: '' };
  let oldest = log.last + 1;
  for (const line of log.newestFirst()) {
    if (line.n <= last.n) break;
    oldest = line.n;
    frames.push(framed(line));
  }
  return { missed: oldest > last.n + 1, before: frames.reverse().join('') };
}
