// SPDX-License-Identifier: Apache-2.0
// Channels as they are shown: those of the edge, those of chat platforms, and entries that were left out.

import type { ChatState, DeadLetter } from '../actors/channel/protocol.ts';
import { type Address, address } from '../bus/address.ts';
import { ask, STATE_MS, tryAsk } from './ask.ts';
import type { EdgePorts } from './ports.ts';
import { Refusal } from './problem.ts';
import type { ChannelDetailsItem } from './schemas/channels.ts';

/** Of one that says nothing. */
const NOTHING = {
  ...{ type: '', since: null, received: 0, refused: 0, sent: 0, waiting: 0, oldest_ms: 0, dead_letters: 0 },
  ...{ last_error: null, retry_at: null, advice: null },
} as const satisfies Partial<ChannelDetailsItem>;

const isChat = ({ config }: EdgePorts, name: string): boolean => Object.hasOwn(config.channels, name);

/** All there are: those of the edge, those configured, those left out. */
export async function allChannels(ports: EdgePorts): Promise<readonly ChannelDetailsItem[]> {
  const running = await Promise.all(ports.channels.map((name) => itemOf(ports, name)));
  return [...running, ...leftOut(ports)];
}

/** @throws Refusal `not_found` naming those there are */
export async function oneChannel(ports: EdgePorts, name: string): Promise<ChannelDetailsItem> {
  if (ports.channels.includes(name)) return await itemOf(ports, name);
  const out = leftOut(ports).find((one) => one.name === name);
  if (out !== undefined) return out;
  throw unknown(ports, name);
}

/** @throws Refusal `not_found`, also for one that has none because it is of no platform */
export async function deadLetters(ports: EdgePorts, name: string): Promise<readonly DeadLetter[]> {
  return (await ask(ports.bus, chatOf(ports, name), 'channel.dead_letters', {}, STATE_MS)).items;
}

/** Connects or lets go. @throws Refusal `not_found`, `conflict` for one of the edge or one that was left out */
export async function control(
  ports: EdgePorts,
  name: string,
  what: 'channel.start' | 'channel.stop',
): Promise<{ readonly state: ChatState }> {
  return await ask(ports.bus, chatOf(ports, name), what, {}, STATE_MS);
}

function chatOf(ports: EdgePorts, name: string): Address<'channel'> {
  if (isChat(ports, name)) return address('channel', name);
  if (ports.channels.includes(name))
    throw new Refusal('conflict', `${name} is part of the gateway itself: it is there as long as the gateway is.`);
  if (leftOut(ports).some((one) => one.name === name))
    throw new Refusal('conflict', `The entry channels.${name} was left out; correct it and restart the gateway.`);
  throw unknown(ports, name);
}

function unknown(ports: EdgePorts, name: string): Refusal {
  const known = [...ports.channels, ...leftOut(ports).map((one) => one.name)].join(', ');
  const shown = JSON.stringify(name.slice(0, 200).toWellFormed());
  return new Refusal('not_found', `There is no channel ${shown}. Known channels: ${known}.`);
}

async function itemOf(ports: EdgePorts, name: string): Promise<ChannelDetailsItem> {
  const { bus, world, config } = ports;
  const of = address('channel', name);
  const asked = isChat(ports, name)
    ? await tryAsk(bus, of, 'channel.chat_status', {})
    : await tryAsk(bus, of, 'channel.status', {});
  if (asked.ok) return { ...NOTHING, ...asked.answer } as ChannelDetailsItem;
  const { code, message } = asked.error;
  const last_error = { code, message, at: world.iso(world.now()) };
  return { ...NOTHING, name, type: config.channels[name]?.type ?? name, state: 'unreachable', last_error };
}

/** Entries of `channels` that were set aside when the gateway started. */
function leftOut({ quarantined, config, world }: EdgePorts): readonly ChannelDetailsItem[] {
  return quarantined.flatMap(({ what, code, message, advice }) => {
    const name = /^channels\.(.+)$/.exec(what)?.[1];
    if (name === undefined || Object.hasOwn(config.channels, name)) return [];
    const last_error = { code, message, at: world.iso(world.now()) };
    return [{ ...NOTHING, name, state: 'quarantined' as const, last_error, advice }];
  });
}
