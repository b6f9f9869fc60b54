// SPDX-License-Identifier: Apache-2.0
// The tool `clock`: what time and day it is, in UTC and in any time zone.

import { answer, problem, type Tool } from './tool.ts';

type Parts = Readonly<Partial<Record<Intl.DateTimeFormatPartTypes, string>>>;

/** The parts of a moment in a time zone; undefined when there is no such zone. Never the zone of the machine. */
function partsOf(at: number, timeZone: string): Parts | undefined {
  try {
    const format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'iso8601',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      weekday: 'long',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      fractionalSecondDigits: 3,
      timeZoneName: 'longOffset',
    });
    return Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, value]));
  } catch {
    return undefined;
  }
}

function local(parts: Parts): string {
  const date = `${parts.year?.padStart(4, '0')}-${parts.month}-${parts.day}`;
  return `${date}T${parts.hour}:${parts.minute}:${parts.second}`;
}

export const clock: Tool = {
  name: 'clock',
  description: [
    'Tells the current time: {"utc", "timezone", "local", "offset", "weekday"}.',
    'Without "timezone", local time is UTC: you do not know where the person is unless they said so.',
  ].join(' '),
  inputSchema: {
    type: 'object',
    properties: { timezone: { type: 'string', maxLength: 100, description: 'IANA name such as "Europe/Berlin".' } },
    additionalProperties: false,
  },
  capabilities: [],
  safe: true,
  timeoutMs: 5000,
  idempotent: true,
  serial: false,
  async execute(args, context) {
    const timezone = typeof args['timezone'] === 'string' && args['timezone'] !== '' ? args['timezone'] : 'UTC';
    const at = context.now();
    const utc = partsOf(at, 'UTC');
    const there = partsOf(at, timezone);
    if (utc === undefined) return problem('The clock shows no valid time.');
    if (there === undefined)
      return problem(`There is no time zone "${timezone}". Use an IANA name such as "Europe/Berlin".`);
    const offset = there.timeZoneName?.replace('GMT', '') ?? '';
    return answer({
      utc: `${local(utc)}.${utc.fractionalSecond}Z`,
      timezone,
      local: local(there),
      offset: offset === '' ? '+00:00' : offset,
      weekday: there.weekday,
    });
  },
};
