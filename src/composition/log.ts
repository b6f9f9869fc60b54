// SPDX-License-Identifier: Apache-2.0
// The log: one pino for the process, on stderr; JSON lines, or for people when stderr is a terminal.

import { pino } from 'pino';
import type { Config } from '../config/schema.ts';
import type { EdgeLog } from '../edge/ports.ts';
import type { Redactor } from '../secrets/redactor.ts';
import type { Log } from './context.ts';
import { LogLines } from './log-lines.ts';
import { LogRing } from './log-ring.ts';
import { realWorld } from './real-world.ts';
import { TurnOrigins } from './turn-origins.ts';

/** Names of fields that hold secrets wherever they appear. */
const SECRETS = [
  'token',
  'authorization',
  'api_key',
  'password',
  'secret',
  '*.token',
  '*.authorization',
  '*.api_key',
  '*.password',
  '*.secret',
];

/** A log, with what secrets stand for taken out of every line whatever field it is in. */
export interface ProcessLog extends EdgeLog {
  readonly write: Log;
  /** From here on what is less than this is not written. */
  setLevel(level: string): void;
  /** The newest of its lines. */
  readonly kept: LogRing;
  /** What lines that name a turn are completed from. */
  readonly origins: TurnOrigins;
}

/** @param fd where it goes; stderr when not given */
export async function createLog(config: Config, level: string, redactor: Redactor, fd = 2): Promise<ProcessLog> {
  const { format } = config.logging;
  const pretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY);
  const options = {
    level,
    base: null,
    redact: { paths: SECRETS, censor: '***' },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  // For people the lines are made in this process: a transport would be one more thread for a few lines a minute.
  const lines = new LogLines(fd);
  const shown = pretty ? await forPeople(lines) : lines;
  const kept = new LogRing(() => realWorld.uuid());
  const origins = new TurnOrigins();
  const log = pino(options, {
    write: (line: string) => {
      // First to where it lasts.
      shown.write(line);
      kept.add(line);
    },
  });
  const write: Log = (severity, fields, message) => {
    if (!log.isLevelEnabled(severity)) return;
    log[severity](redactor.data(origins.complete(fields)), redactor.text(message));
    const lost = lines.takeLost();
    if (lost !== undefined) log.warn(lost, 'lines of this log could not be written');
  };
  return {
    debug: (fields, message) => write('debug', fields, message),
    info: (fields, message) => write('info', fields, message),
    warn: (fields, message) => write('warn', fields, message),
    error: (fields, message) => write('error', fields, message),
    write,
    kept,
    origins,
    setLevel: (to) => {
      log.level = to;
    },
  };
}

/** Lines as people read them. */
async function forPeople(lines: LogLines): Promise<{ write(line: string): void }> {
  const { prettyFactory } = (await import('pino-pretty')).default;
  const colorize = process.env['NO_COLOR'] === undefined;
  const pretty = prettyFactory({ colorize });
  return { write: (line) => lines.write(pretty(line)) };
}
