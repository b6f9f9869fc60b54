// SPDX-License-Identifier: Apache-2.0
// Lines of the log: what may be asked for, what is answered, and the events of who follows them. Loaded when somebody asks.

import { z } from 'zod';
import type { DeepReadonly } from '../../config/schema.ts';
import { listOf, Time } from './fields.ts';
import { cursor, limit } from './requests.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevelName = (typeof LOG_LEVELS)[number];

const id = (what: string) => z.string().min(1).max(200).optional().describe(what);

const wanted = {
  level: z.enum(LOG_LEVELS).optional().describe('Only lines of this level and above it.'),
  session: id('Only lines about this session.'),
  turn: id('Only lines about this turn.'),
  request: id('Only lines about the request with this id.'),
  since: z.iso
    .datetime({ offset: true, error: 'is not a time such as 2026-11-20T12:00:00Z' })
    .optional()
    .describe('Nothing before. RFC 3339.'),
  q: z.string().min(1).max(200).optional().describe('Only lines that hold this text, in whatever case.'),
};

export const LogsQuery = z.object({ ...wanted, limit, cursor });

export const LogStreamQuery = z.object({
  ...wanted,
  lines: z.coerce
    .number({ error: 'is not a number' })
    .int({ error: 'is not a whole number' })
    .min(0, { error: 'is less than 0' })
    .max(2_000, { error: 'is more than 2000' })
    .default(0)
    .describe('So many lines that are there already come first; none where `Last-Event-ID` says what was read.'),
});

export type LogWish = DeepReadonly<Omit<z.output<typeof LogsQuery>, 'limit' | 'cursor'>>;

const known = (what: string) => z.string().nullable().describe(`${what}; null where the line is of none.`);

export const LogLine = z
  .object({
    id: z.string().describe('Its place among the lines of this life of the gateway.'),
    at: Time,
    level: z.string().describe('`trace`, `debug`, `info`, `warn`, `error` or `fatal`.'),
    message: z.string(),
    thread: z.string().describe('The thread that wrote it.'),
    request_id: known('The request it is about'),
    turn_id: known('The turn'),
    session_id: known('The session'),
    workspace_id: known('The workspace'),
    trace_id: known('The trace of the turn or the request, while traces are made'),
    fields: z.record(z.string(), z.unknown()).describe('What else it says.'),
  })
  .describe('A line of the log.');

export const LogLines = listOf(LogLine);

export type LogLineAnswer = DeepReadonly<z.output<typeof LogLine>>;
export type LogLinesAnswer = DeepReadonly<z.output<typeof LogLines>>;

/** The events of who follows the log. */
export const LOG_EVENTS = {
  listening: z.object({ at: Time }).describe('From here on lines come as they are written.'),
  missed: z.object({ at: Time }).describe('Lines after `Last-Event-ID` are kept no more, or were of another life.'),
  line: LogLine,
  error: z
    .object({ code: z.string(), message: z.string() })
    .describe('The stream cannot go on: `slow_consumer`, `unauthenticated`. The last event.'),
} as const;
