// SPDX-License-Identifier: Apache-2.0
// Telegram, Discord and Slack in a whole gateway: through their own libraries, from a person to the agent and back.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOKEN as DISCORD, type DiscordPlatform, openPlatform as openDiscord } from '../channels/discord/api.ts';
import type { Platform } from '../channels/platform.ts';
import {
  openPlatform as openSlack,
  SECRET,
  TOKEN as SLACK,
  type SlackPlatform,
  signed,
} from '../channels/slack/api.ts';
import {
  openPlatform as openTelegram,
  TOKEN as TELEGRAM,
  type TelegramPlatform,
} from '../channels/telegram/bot-api.ts';
import { until } from '../edge/client.ts';
import { closeHouses, type House, startHouse } from './house.ts';

let [telegram, discord, slack]: [TelegramPlatform?, DiscordPlatform?, SlackPlatform?] = [];
let house: House;

beforeAll(async () => {
  [telegram, discord, slack] = await Promise.all([openTelegram(), openDiscord(), openSlack()]);
  const common = { pairing: 'closed' };
  const slackKeys = { ...common, type: 'slack', bot_token: SLACK, api_url: `${slack.url}/api/` };
  house = await startHouse({
    users: [
      {
        id: 'ada',
        name: 'Ada',
        role: 'owner',
        session_mode: 'per_channel',
        // Who speaks first has the first id.
        identities: [
          { channel: 'telegram', platform_id: '1000' },
          { channel: 'discord', platform_id: '2000' },
          { channel: 'slack', platform_id: 'U1000' },
          { channel: 'brought', platform_id: 'U1000' },
        ],
      },
    ] as never,
    channels: {
      telegram: { ...common, token: TELEGRAM, api_url: telegram.url, poll_timeout: 20 },
      discord: { ...common, token: DISCORD, api_url: `${discord.url}/api` },
      slack: { ...slackKeys, app_token: 'xapp-test' },
      brought: { ...slackKeys, mode: 'events', signing_secret: SECRET },
      revoked: { ...common, type: 'telegram', token: '4242:revoked', api_url: telegram.url },
      unfinished: { ...common, type: 'slack', bot_token: SLACK },
    },
  });
});
afterAll(async () => {
  await closeHouses();
  await Promise.all([telegram?.close(), discord?.close(), slack?.close()]);
});

const statusOf = async (name: string) => (await house.owner.get(`/api/v1/channels/${name}`)).body;

/** Somebody says something and reads the answer. */
async function answerTo(platform: Platform | undefined, text: string): Promise<string> {
  await platform?.say({ from: 'ada', in: 'direct', text });
  const said = async () => ((await platform?.seen(0)) ?? []).map((one) => one.text).join('\n');
  const last = /\d+$/.exec(text)?.[0] ?? '';
  await until(async () => (await said()).includes(last));
  return said();
}

describe('a person is answered', () => {
  for (const name of ['telegram', 'discord', 'slack'] as const)
    it(`on ${name}`, async () => {
      await until(async () => (await statusOf(name)).state === 'online');
      const platform: Platform | undefined = { telegram, discord, slack }[name];
      expect(await answerTo(platform, 'count to 4')).toContain('3');
      await until(async () => (await statusOf(name)).waiting === 0);
      expect(await statusOf(name)).toMatchObject({ state: 'online', dead_letters: 0, last_error: null });
    });

  it('on Slack, which brings what was said', async () => {
    await until(async () => (await statusOf('brought')).state === 'online');
    const before = (await slack?.seen(0))?.length ?? 0;
    const event = {
      type: 'message',
      channel: 'DU1000',
      channel_type: 'im',
      user: 'U1000',
      text: 'count to 5',
      ts: '1700000009.000100',
    };
    const { headers, body } = signed({ type: 'event_callback', event });
    const bring = (more: Record<string, string> = {}) =>
      house.client.call('POST', '/webhooks/brought', {
        token: null,
        raw: Buffer.from(body),
        headers: { ...headers, ...more },
      });
    expect((await bring({ 'x-slack-signature': 'v0=00' })).status).toBe(401);
    expect((await bring()).status).toBe(200);
    await until(async () => ((await slack?.seen(0)) ?? []).slice(before).some(({ text }) => text.includes('5')));
    // The same once more is the same message.
    expect((await bring()).status).toBe(200);
  });
});

describe('a channel that cannot be', () => {
  it('says what to do about its token, which is told nobody', async () => {
    await until(async () => (await statusOf('revoked')).state === 'failed');
    const status = await statusOf('revoked');
    expect(status.last_error).toMatchObject({ code: 'channel_auth', message: expect.stringContaining('@BotFather') });
    expect(JSON.stringify(status)).not.toContain('4242:revoked');
  });

  it('says what its entry lacks', async () => {
    await until(async () => (await statusOf('unfinished')).state === 'quarantined');
    expect((await statusOf('unfinished')).last_error).toMatchObject({
      code: 'validation_failed',
      message: expect.stringContaining('app_token'),
    });
  });
});
