// SPDX-License-Identifier: Apache-2.0
// `sigil token create`: makes a token, which alone goes to stdout, for it is shown this once.

import { parseDuration } from '../config/units.ts';
import { wrongUsage } from './cli-error.ts';
import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object, text } from './json-reading.ts';
import { oneLine } from './terminal-text.ts';

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const POINT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})$/;

/** When it ends, RFC 3339: so long from now, or a time; a day ends it as it begins, UTC. */
export function expiry(written: string | undefined, now: number): string | undefined {
  if (written === undefined) return undefined;
  const within = /^\d+$/.test(written) ? undefined : parseDuration(written);
  const at = within !== undefined ? now + within : DAY.test(written) || POINT.test(written) ? Date.parse(written) : NaN;
  if (at > now && at <= 8.64e15) return new Date(at).toISOString();
  throw wrongUsage(
    `--expires is no time to come: ${JSON.stringify(written)}.`,
    'Write it like 30d, 12h, 2027-01-31 or 2027-01-31T12:00:00Z.',
  );
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [user, name, list] = [call.value('user'), call.value('name'), call.value('permissions')];
  const permissions = list
    ?.split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
  const expires_at = expiry(call.value('expires'), Date.now());
  const body = {
    ...(user === undefined ? {} : { user_id: user }),
    ...(name === undefined ? {} : { name }),
    ...(permissions === undefined ? {} : { permissions }),
    ...(expires_at === undefined ? {} : { expires_at }),
  };
  const made = object(await withGateway(call, (client) => client.post('/api/v1/tokens', body)));
  if (output.json) {
    output.document(made);
    return 0;
  }
  output.line(oneLine(text(made['token'])));
  const id = oneLine(text(made['id']));
  const until = text(made['expires_at']);
  const ends = until === '' ? '' : ` until ${oneLine(until)}`;
  output.note(
    `This is the token of ${oneLine(text(made['user_id']))}${ends}; it is not shown again. \`sigil token revoke ${id}\` ends it.`,
  );
  return 0;
};
