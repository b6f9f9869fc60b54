// SPDX-License-Identifier: Apache-2.0
// Which configured channels a platform may call at all; whether one does is for its adapter to say.

import type { Config } from '../config/schema.ts';

const TYPES: ReadonlySet<string> = new Set(['telegram', 'slack', 'whatsapp', 'webhook']);

/** Makes the look-up by a channel's name. */
export function webhookChannels({ channels }: Config): (name: string) => boolean {
  return (name) => {
    const channel = Object.hasOwn(channels, name) ? channels[name] : undefined;
    return channel !== undefined && TYPES.has(channel.type ?? name);
  };
}
