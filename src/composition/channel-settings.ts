// SPDX-License-Identifier: Apache-2.0
// The keys of each chat platform, as schemas: read when a channel of the type is in it, no sooner.

import type { z } from 'zod';
import { CHANNEL_TYPES, type ChannelType } from './channel-types.ts';

const SETTINGS: Readonly<Record<ChannelType, () => Promise<z.ZodType>>> = {
  telegram: async () => (await import('../channels/telegram/settings.ts')).telegramSettings,
  discord: async () => (await import('../channels/discord/settings.ts')).discordSettings,
  slack: async () => (await import('../channels/slack/settings.ts')).slackSettings,
  irc: async () => (await import('../channels/irc/settings.ts')).ircSettings,
  matrix: async () => (await import('../channels/matrix/settings.ts')).matrixSettings,
  xmpp: async () => (await import('../channels/xmpp/settings.ts')).xmppSettings,
  email: async () => (await import('../channels/email/settings.ts')).emailSettings,
  whatsapp: async () => (await import('../channels/whatsapp/settings.ts')).whatsappSettings,
  webhook: async () => (await import('../channels/webhook/settings.ts')).webhookSettings,
};

/** The schema of a platform's own keys; undefined for a type this build has not got. */
export async function channelSettings(type: string): Promise<z.ZodType | undefined> {
  return CHANNEL_TYPES.includes(type as ChannelType) ? await SETTINGS[type as ChannelType]() : undefined;
}
