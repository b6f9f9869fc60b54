// SPDX-License-Identifier: Apache-2.0
// Channels as they are shown: those of the edge, those of chat platforms, and entries that were left out.

import type { ChatState, DeadLetter } from '../actors/channel/protocol.ts';
import { type Address, address } from '../bus/address.ts';
import { ask, STATE_MS, tryAsk } from './ask.ts';
import type { EdgePorts } from './ports.ts';
import { Refusal } from './problem.ts';
import { quarantinedNow } from './quarantined.ts';
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
  return [...running, ...(await leftOut(ports))];
}

/** @throws Refusal `not_found` naming those there are */
export async function oneChannel(ports: EdgePorts, name: string): Promise<ChannelDetailsItem> {
  if (ports.channels.includes(name)) return await itemOf(ports, name);
  const out = (await leftOut(ports)).find((one) => one.name === name);
  if (out !== undefined) return out;
  throw await unknown(ports, name);
}

/** @throws Refusal `not_found`, also for one that has none because it is of no platform */
export async function deadLetters(ports: EdgePorts, name: string): Promise<readonly DeadLetter[]> {
  return (await ask(ports.bus, await chatOf(ports, name), 'channel.dead_letters', {}, STATE_MS)).items;
}

/** Connects or lets go. @throws Refusal `not_found`, `conflict` for one of the edge or one that was left out */
export async function control(
  ports: EdgePorts,
  name: string,
  what: 'channel.start' | 'channel.stop',
): Promise<{ readonly state: ChatState }> {
  return await ask(ports.bus, await chatOf(ports, name), what, {}, STATE_MS);
}

async function chatOf(ports: EdgePorts, name: string): Promise<Address<'channel'>> {
  if (isChat(ports, name)) return address('channel', name);
  if (ports.channels.includes(name))
    throw new Refusal('conflict', `${name} is part of the gateway itself: it is there as long as the gateway is.`);
  const out = (await leftOut(ports)).find((one) => one.name === name);
  if (out !== undefined) throw new Refusal('conflict', `The channel ${name} is left out. ${out.advice ?? ''}`.trim());
  throw await unknown(ports, name);
}

async function unknown(ports: EdgePorts, name: string): Promise<Refusal> {
  const known = [...ports.channels, ...(await leftOut(ports)).map((one) => one.name)].join(', ');
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

/** Entries of `channels` that are set aside, and channels that were taken out with something left to say. */
async function leftOut(ports: EdgePorts): Promise<readonly ChannelDetailsItem[]> {
  const { config, world } = ports;
  return (await quarantinedNow(ports)).flatMap(({ what, code, message, advice }) => {
    const name = /^channels\.(.+)$/.exec(what)?.[1];
    if (name === undefined || Object.hasOwn(config.channels, name)) return [];
    const last_error = { code, message, at: world.iso(world.now()) };
    return [{ ...NOTHING, name, state: 'quarantined' as const, last_error, advice }];
  });
}
