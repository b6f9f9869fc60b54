// SPDX-License-Identifier: Apache-2.0
// The log: one pino for the process, on stderr; JSON lines, or for people when stderr is a terminal.

import { pino } from 'pino';
import type { Config } from '../config/schema.ts';
import type { EdgeLog } from '../edge/ports.ts';
import type { Log } from './context.ts';

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

export interface ProcessLog extends EdgeLog {
  readonly write: Log;
}

export async function createLog(config: Config, level: string): Promise<ProcessLog> {
  const { format } = config.logging;
  const pretty = format === 'pretty' || (format === 'auto' && process.stderr.isTTY);
  const options = {
    level,
    base: null,
    redact: { paths: SECRETS, censor: '***' },
    timestamp: pino.stdTimeFunctions.isoTime,
  };
  // For people the lines are made in this process: a transport would be one more thread for a few lines a minute.
  const stream = pretty
    ? (await import('pino-pretty')).default({
        destination: 2,
        colorize: process.env['NO_COLOR'] === undefined,
        sync: true,
      })
    : pino.destination({ dest: 2, sync: true });
  const log = pino(options, stream);
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
    write: (severity, fields, message) => log[severity](fields, message),
  };
}
