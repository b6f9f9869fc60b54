// SPDX-License-Identifier: Apache-2.0
// `sigil channel status`: one channel whole, with what it could not say.

import { channelState, channelTrouble, channelWaiting } from './channel-rows.ts';
import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, number, object, objects, text } from './json-reading.ts';
import type { Output } from './output.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';
import { agoText } from './time-text.ts';

/** Dead letters that are shown: the newest. */
const SHOWN = 20;

function lines(channel: JsonObject, dead: readonly JsonObject[], { paint }: Output): readonly string[] {
  const now = Date.now();
  const since = text(channel['since']);
  const rows = [
    ['state', `${channelState(channel, paint)}${since === '' ? '' : ` since ${agoText(since, now)}`}`],
    ['type', oneLine(text(channel['type']))],
    ['received', `${number(channel['received'])}, ${number(channel['refused'])} refused`],
    ['sent', String(number(channel['sent']))],
    ['waiting', channelWaiting(channel)],
    ['dead letters', String(number(channel['dead_letters']))],
  ];
  const trouble = channelTrouble(channel, now);
  if (trouble !== '') rows.push(['trouble', trouble]);
  const told = dead
    .slice(0, SHOWN)
    .map((letter) => [
      agoText(text(letter['failed_at']), now),
      oneLine(text(letter['channel_id'])),
      text(letter['kind']),
      oneLine(text(letter['session_id'])),
      `${text(letter['code'])}: ${oneLine(text(letter['message']))}${letter['outcome_unknown'] === true ? ' (it may have been seen)' : ''}`,
    ]);
  const table =
    told.length === 0 ? [] : ['', paint.bold('Not said, newest first'), ...tableLines(told, { indent: '  ' })];
  return [paint.bold(oneLine(text(channel['name']))), ...tableLines(rows, { indent: '  ' }), ...table];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const [name = ''] = call.args;
  const path = `/api/v1/channels/${encodeURIComponent(name)}`;
  const [channel, dead] = await withGateway(call, async (client) => {
    const found = object(await client.get(path));
    const any = number(found['dead_letters']) > 0;
    return [found, any ? objects(object(await client.get(`${path}/dead-letters`))['items']) : []] as const;
  });
  if (output.json) output.document({ ...channel, letters: dead });
  else output.write(`${lines(channel, dead, output).join('\n')}\n`);
  // A script sees by this that somebody is needed.
  return ['failed', 'quarantined', 'unreachable'].includes(text(channel['state'])) ? 1 : 0;
};
