// SPDX-License-Identifier: Apache-2.0
// `sigil channel list`: the channels there are and how each is.

import { channelState, channelTrouble, channelWaiting } from './channel-rows.ts';
import type { CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { type JsonObject, number, text } from './json-reading.ts';
import type { Output } from './output.ts';
import { EVERYTHING, listOf } from './pages.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';

function lines(channels: readonly JsonObject[], { paint, width, terminal }: Output): readonly string[] {
  const rows = channels.map((channel) => [
    oneLine(text(channel['name'])),
    oneLine(text(channel['type'])),
    channelState(channel, paint),
    String(number(channel['received'])),
    String(number(channel['sent'])),
    channelWaiting(channel),
    String(number(channel['dead_letters'])),
    channelTrouble(channel, Date.now()),
  ]);
  const head = ['NAME', 'TYPE', 'STATE', 'RECEIVED', 'SENT', 'WAITING', 'DEAD', 'MESSAGE'];
  // A person sees a line for each; what reads along gets it whole.
  const fitting = terminal ? { give: [7], width: width() } : {};
  const [first = '', ...rest] = tableLines([head, ...rows], { right: [3, 4, 6], ...fitting });
  return [paint.dim(first), ...rest];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const { items } = await withGateway(call, (client) => listOf(client, '/api/v1/channels', EVERYTHING));
  if (output.json) output.document({ items, next_cursor: null });
  else output.write(`${lines(items, output).join('\n')}\n`);
  return 0;
};
