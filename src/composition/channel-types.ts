// SPDX-License-Identifier: Apache-2.0
// The names of the chat platforms this build can connect to: known without loading one.

export const CHANNEL_TYPES = [
  'telegram',
  'discord',
  'slack',
  'irc',
  'matrix',
  'xmpp',
  'email',
  'whatsapp',
  'webhook',
] as const;

/** The gateway's own channels, which serve whoever calls. */
export const PULL_CHANNELS = ['http', 'cli'] as const;

export type ChannelType = (typeof CHANNEL_TYPES)[number];
