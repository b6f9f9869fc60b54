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

export type ChannelType = (typeof CHANNEL_TYPES)[number];
