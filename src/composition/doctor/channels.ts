// SPDX-License-Identifier: Apache-2.0
// The check of channels: what a running gateway says of each, else whether its platform can be reached and takes its credentials.

import { probe } from '../../channels/probes.ts';
import { type Check, type CheckContext, type Finding, fail, pass, warn } from '../../cli/doctor-check.ts';
import { object, objects, text } from '../../cli/json-reading.ts';
import type { Config } from '../../config/schema.ts';
import { keysOf } from '../../config/walk.ts';
import { toFailure } from '../../errors.ts';
import { channelSettings } from '../channel-settings.ts';
import { resolverOf } from './secrets.ts';
import { together } from './together.ts';

/** How long a platform may take, in milliseconds. */
const WITHIN = 15_000;

export const channelsCheck: Check = {
  name: 'channels',
  async *run(context) {
    const { config, ask } = context;
    if (!config.ok) return;
    const channels = Object.entries(config.config.channels);
    if (channels.length === 0) return yield pass('none is configured');
    const running = objects(object(await ask?.('/api/v1/channels'))['items']);
    const known = new Map(running.map((channel) => [text(channel['name']), channel]));
    yield* together(context, channels, WITHIN, async ([name, entry], signal) => {
      const told = known.get(name);
      return told === undefined ? await tried(context, name, entry, signal) : asTold(name, told);
    });
  },
};

function asTold(name: string, channel: Readonly<Record<string, unknown>>): Finding {
  const state = text(channel['state']);
  if (state === 'online') return pass(`${name} is online`);
  const why = text(object(channel['last_error'])['message']).replace(/\.$/, '');
  const says = `${name} is ${state}${why === '' ? '' : `: ${why}`}`;
  return ['failed', 'quarantined', 'unreachable'].includes(state)
    ? fail(says, `sigil channel status ${name}`)
    : warn(says, `sigil channel start ${name}`);
}

async function tried(
  { config, dataDir }: CheckContext,
  name: string,
  entry: Config['channels'][string],
  signal: AbortSignal,
): Promise<Finding> {
  const type = entry.type ?? name;
  const schema = await channelSettings(type);
  const own = schema === undefined ? [] : keysOf(schema);
  const settings = schema?.safeParse(Object.fromEntries(Object.entries(entry).filter(([key]) => own.includes(key))));
  // What is wrong with its keys is told by the check of the configuration.
  if (settings?.success !== true) return pass(`${name} (${type}) is not tried`);
  try {
    const said = await probe(type, settings.data, { resolve: resolverOf(config, dataDir), signal });
    return pass(said === undefined ? `${name} (${type}) is not tried` : `${name}: ${said}`);
  } catch (thrown) {
    const { code, message } = toFailure(thrown);
    const says = `${name}: ${message.replace(/\.$/, '')}`;
    if (code === 'channel_auth' || code === 'not_found') return fail(says, mendOf(name, type, entry));
    return warn(says, 'sigil doctor');
  }
}

/** The command that gives a channel another key. */
function mendOf(name: string, type: string, entry: Readonly<Record<string, unknown>>): string {
  const kept = Object.values(entry).find((value) => typeof value === 'string' && value.startsWith('keyring://'));
  if (typeof kept === 'string') return `sigil secret set ${kept.slice('keyring://'.length)}`;
  const key =
    { slack: 'bot_token', matrix: 'access_token', whatsapp: 'access_token', email: 'password' }[type] ?? 'token';
  return `sigil secret set ${name}/${key.replace('_', '-')} && sigil config set channels.${name}.${key} keyring://${name}/${key.replace('_', '-')}`;
}
