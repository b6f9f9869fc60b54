// SPDX-License-Identifier: Apache-2.0
// The kinds of chat platform there are: each one's adapter is loaded when a channel of its type is made, and no sooner.

import type { z } from 'zod';
import { platformSettings } from '../actors/channel/own-settings.ts';
import type { ChannelAdapter } from '../channels/adapter.ts';
import type { ConnectionOptions } from '../channels/connection-options.ts';
import { type Failure, failure, SigilError } from '../errors.ts';
import { CHANNEL_TYPES, type ChannelType } from './channel-types.ts';
import { PUBLISHED } from './published.ts';

/** Makes a channel's adapter from its entry. @throws SigilError `validation_failed` for an entry it cannot use */
export type MakeAdapter = (
  type: string,
  entry: Readonly<Record<string, unknown>>,
  options: ConnectionOptions,
) => Promise<ChannelAdapter>;

type Loaded = (entry: Readonly<Record<string, unknown>>, options: ConnectionOptions) => ChannelAdapter;

const ADAPTERS: Readonly<Record<ChannelType, () => Promise<Loaded>>> = {
  telegram: async () => {
    const [{ TelegramAdapter }, { telegramSettings }] = await Promise.all([
      import('../channels/telegram/adapter.ts'),
      import('../channels/telegram/settings.ts'),
    ]);
    return (entry, options) => new TelegramAdapter({ ...options, settings: read(telegramSettings, entry) });
  },
  discord: async () => {
    const [{ DiscordAdapter }, { discordSettings }] = await Promise.all([
      import('../channels/discord/adapter.ts'),
      import('../channels/discord/settings.ts'),
    ]);
    return (entry, options) => new DiscordAdapter({ ...options, settings: read(discordSettings, entry) });
  },
  slack: async () => {
    const [{ SlackAdapter }, { slackSettings }] = await Promise.all([
      import('../channels/slack/adapter.ts'),
      import('../channels/slack/settings.ts'),
    ]);
    return (entry, options) => new SlackAdapter({ ...options, settings: read(slackSettings, entry) });
  },
  irc: async () => {
    const [{ IrcAdapter }, { ircSettings }] = await Promise.all([
      import('../channels/irc/adapter.ts'),
      import('../channels/irc/settings.ts'),
    ]);
    return (entry, options) => new IrcAdapter({ ...options, settings: read(ircSettings, entry) });
  },
  matrix: async () => {
    const [{ MatrixAdapter }, { matrixSettings }] = await Promise.all([
      import('../channels/matrix/adapter.ts'),
      import('../channels/matrix/settings.ts'),
    ]);
    return (entry, options) => new MatrixAdapter({ ...options, settings: read(matrixSettings, entry) });
  },
  xmpp: async () => {
    const [{ XmppAdapter }, { xmppSettings }] = await Promise.all([
      import('../channels/xmpp/adapter.ts'),
      import('../channels/xmpp/settings.ts'),
    ]);
    return (entry, options) => new XmppAdapter({ ...options, settings: read(xmppSettings, entry) });
  },
  email: async () => {
    const [{ EmailAdapter }, { emailSettings }] = await Promise.all([
      import('../channels/email/adapter.ts'),
      import('../channels/email/settings.ts'),
    ]);
    return (entry, options) => new EmailAdapter({ ...options, settings: read(emailSettings, entry) });
  },
  whatsapp: async () => {
    const [{ WhatsAppAdapter }, { whatsappSettings }] = await Promise.all([
      import('../channels/whatsapp/adapter.ts'),
      import('../channels/whatsapp/settings.ts'),
    ]);
    return (entry, options) => new WhatsAppAdapter({ ...options, settings: read(whatsappSettings, entry) });
  },
  webhook: async () => {
    const [{ WebhookAdapter }, { webhookSettings }] = await Promise.all([
      import('../channels/webhook/adapter.ts'),
      import('../channels/webhook/settings.ts'),
    ]);
    return (entry, options) => new WebhookAdapter({ ...options, settings: read(webhookSettings, entry) });
  },
};

/** What the platform's own keys of an entry say. */
function read<T>(settings: z.ZodType<T>, entry: Readonly<Record<string, unknown>>): T {
  const parsed = settings.safeParse(platformSettings(entry));
  if (parsed.success) return parsed.data;
  // Values may be secrets: only where it is wrong is told, and what would be right.
  const says = parsed.error.issues
    .map(({ path, message }) => `${path.join('.') || 'its entry'}: ${message}`)
    .join('; ');
  throw new SigilError(failure('validation_failed', `The settings of the channel cannot be used: ${says}.`));
}

/** Made by {@link CHANNEL_TYPES}. */
export const makeAdapter: MakeAdapter = async (type, entry, options) => {
  const load = Object.hasOwn(ADAPTERS, type) ? ADAPTERS[type as ChannelType] : undefined;
  if (load === undefined) {
    const there = CHANNEL_TYPES.join(', ');
    throw new SigilError(failure('validation_failed', `There is no channel type ${type}; there are ${there}.`));
  }
  return (await load())(entry, options);
};

/** What a module of the tests exports: adapters of platforms that exist in them alone, before all others. */
export interface TestChannels {
  /** @param thrown what an adapter throws for a failure: the class is of this build, which the module may not share */
  readonly adapters: (next: MakeAdapter, thrown: (failure: Failure) => Error) => MakeAdapter;
}

/** `SIGIL_TEST_CHANNELS=module` puts what that module makes of the adapters in their place. */
export async function testChannels(setting: string | undefined): Promise<MakeAdapter> {
  // What is published has none: a variable in somebody's environment must not be able to bring code in.
  if (PUBLISHED || setting === undefined || setting === '') return makeAdapter;
  return ((await import(setting)) as TestChannels).adapters(makeAdapter, (of) => new SigilError(of));
}
