// SPDX-License-Identifier: Apache-2.0
// The Slack adapter against its Web API and socket: the suite, and what is Slack's alone.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChannelInbound } from '../../../src/channels/adapter.ts';
import type { SlackAdapter } from '../../../src/channels/slack/adapter.ts';
import { slackSettings } from '../../../src/channels/slack/settings.ts';
import { toFailure } from '../../../src/errors.ts';
import { until } from '../../edge/client.ts';
import { adapterSuite } from '../adapter-suite.ts';
import { openPlatform, platform, SECRET, type SlackPlatform, signed, TOKEN } from './api.ts';

adapterSuite(platform);

const signal = new AbortController().signal;
const outbound = { attachments: [], idempotencyKey: 'turn:1', content: 'x' };
const EVENTS = { mode: 'events', signing_secret: SECRET };

describe('Slack', () => {
  let slack: SlackPlatform;
  beforeAll(async () => {
    slack = await openPlatform();
  });
  afterAll(() => slack.close());

  const running = async (
    run: (adapter: SlackAdapter, heard: ChannelInbound[], lost: unknown[]) => Promise<void>,
    settings: object = {},
    take: (message: ChannelInbound) => Promise<void> = async () => undefined,
  ): Promise<void> => {
    const [heard, lost]: [ChannelInbound[], unknown[]] = [[], []];
    const adapter = slack.make(settings);
    const received = async (message: ChannelInbound) => {
      await take(message);
      heard.push(message);
    };
    await adapter.start({ received, lost: (reason) => lost.push(reason) }, { signal });
    try {
      await run(adapter, heard, lost);
    } finally {
      await adapter.stop();
    }
  };

  it('acknowledges only what is durable, and the next connection hears the rest', async () => {
    const { promise } = Promise.withResolvers<void>();
    let came = 0;
    await running(
      async (_, heard) => {
        await slack.say({ from: 'ada', in: 'direct', text: 'one' });
        await slack.say({ from: 'ada', in: 'direct', text: 'two' });
        await until(() => came === 2);
        await until(() => slack.open.length === 1);
        expect(heard.map(({ content }) => content)).toEqual(['two']);
      },
      {},
      ({ content }) => {
        came += 1;
        return content === 'one' ? promise : Promise.resolve();
      },
    );
    await running(async (_, heard) => {
      await until(() => slack.open.length === 0);
      expect(heard.map(({ content }) => content)).toEqual(['one']);
    });
  });

  it('ends when Slack says that this socket is over, and acknowledges what is not for it', async () => {
    await running(async (_, heard, lost) => {
      slack.envelope({ type: 'interactive', payload: { type: 'block_actions' } });
      slack.event({ type: 'reaction_added', user: 'U1' });
      slack.event({ type: 'message', of: 'a form nobody knows' });
      await until(() => slack.open.length === 0);
      slack.tell({ type: 'disconnect', reason: 'refresh_requested' });
      await until(() => lost.length === 1);
      expect(toFailure(lost[0])).toMatchObject({ code: 'channel_network', retryable: true });
      expect(heard).toEqual([]);
    });
  });

  it('reads marks of links and people as text', async () => {
    await running(async (_, heard) => {
      const text =
        '<@UBOT>: see <https://example.com/a?b=1&amp;c=2|the page> &amp; <https://e.org> <@U9|bob> <#C2|tides> <!here> &lt;b&gt;';
      slack.event({ type: 'app_mention', channel: 'C1', user: 'U404', text, ts: '1700000001.000200' });
      await until(() => heard.length === 1);
      expect(heard).toMatchObject([
        {
          content: 'see [the page](https://example.com/a?b=1&c=2) & https://e.org @bob #tides @here <b>',
          mentionsAgent: true,
          dedupeKey: 'C1:1700000001.000200',
          // Nobody has this id, so nothing better is known.
          sender: { platformId: 'U404', displayName: 'U404' },
        },
      ]);
    });
  });

  it('is brought events that are signed, and says "taken" only once they are durable', async () => {
    let refusing = true;
    const take = async () => {
      if (refusing) throw new Error('the disk is full');
    };
    await running(
      async (adapter, heard) => {
        const id = await slack.say({ from: 'ada', in: 'direct', text: 'brought' });
        const body = { type: 'event_callback', event: slack.eventOf(id) };
        expect(await adapter.webhook(signed({ type: 'url_verification', challenge: 'prove it' }))).toMatchObject({
          status: 200,
          body: 'prove it',
        });
        expect((await adapter.webhook(signed(body, { secret: 'another' }))).status).toBe(401);
        expect((await adapter.webhook(signed(body, { at: Date.now() - 600_000 }))).status).toBe(401);
        expect((await adapter.webhook({ ...signed(body), body: Buffer.from('{}') })).status).toBe(401);
        expect((await adapter.webhook({ ...signed(body), headers: {} })).status).toBe(401);
        expect((await adapter.webhook(signed(body))).status).toBe(503);
        refusing = false;
        expect((await adapter.webhook(signed(body))).status).toBe(200);
        expect((await adapter.webhook(signed('no json'))).status).toBe(200);
        expect(heard).toMatchObject([{ content: 'brought', sender: { displayName: 'ada Lovelace' } }]);
        await adapter.stop();
        expect((await adapter.webhook(signed(body))).status).toBe(503);
      },
      EVENTS,
      take,
    );
    expect(slackSettings.safeParse({ bot_token: 'x', mode: 'events' }).success).toBe(false);
    expect(slackSettings.safeParse({ bot_token: 'x' }).success).toBe(false);
  });

  it('gives blocks that call nobody, and text where those are refused', async () => {
    await running(async (adapter) => {
      const { channelId } = slack.target('group', 'ada');
      const content = '**bold** <!channel> and `code`';
      await adapter.send({ ...outbound, channelId, content }, { signal });
      const body = slack.calls.at(-1)?.body;
      expect(body).toMatchObject({ text: '*bold* &lt;!channel&gt; and `code`', unfurl_links: 'false' });
      expect(body?.['blocks']).toMatchObject([
        {
          type: 'rich_text',
          elements: [
            { elements: [{ style: { bold: true } }, { text: ' <!channel> and ' }, { style: { code: true } }] },
          ],
        },
      ]);
      slack.refuse('chat.postMessage', 'invalid_blocks');
      await adapter.send({ ...outbound, channelId, content }, { signal });
      expect(slack.calls.at(-1)?.body).not.toHaveProperty('blocks');
      // What notifications show has bounds of its own.
      await adapter.send({ ...outbound, channelId, content: '&'.repeat(4_000) }, { signal });
      expect(String(slack.calls.at(-1)?.body['text']).length).toBeLessThanOrEqual(4_000);
      await adapter.react(channelId, '1.2', '👍');
      expect(slack.calls.at(-1)?.body).toMatchObject({ name: '+1' });
    }, EVENTS);
  });

  it('tells what each refusal means, and never a token', async () => {
    await running(async (adapter) => {
      const { channelId } = slack.target('group', 'ada');
      const told = async (error: string, more?: object) => {
        slack.refuse('chat.postMessage', error, more);
        const thrown = await adapter.send({ ...outbound, channelId }, { signal }).catch((one: unknown) => one);
        expect(`${JSON.stringify(toFailure(thrown))}${(thrown as Error).stack}`).not.toContain(TOKEN);
        return toFailure(thrown);
      };
      expect(await told('not_in_channel')).toMatchObject({
        code: 'forbidden',
        message: expect.stringContaining('invite'),
      });
      expect(await told('missing_scope', { needed: 'chat:write' })).toMatchObject({
        code: 'channel_refused',
        message: expect.stringContaining('chat:write'),
      });
      expect(await told('msg_too_long')).toMatchObject({ code: 'payload_too_large' });
      expect(await told('internal_error')).toMatchObject({ code: 'channel_network', retryable: true });
      expect(await told('token_revoked')).toMatchObject({ code: 'channel_auth', retryable: false });
    }, EVENTS);
    const adapter = slack.make({ app_token: 'xapp-wrong' });
    const thrown = await adapter
      .start({ received: async () => undefined, lost: () => undefined }, { signal })
      .catch((one: unknown) => one);
    expect(toFailure(thrown)).toMatchObject({ code: 'channel_auth', message: expect.stringContaining('app_token') });
    await adapter.stop();
  });

  it('reads no more than it can hand on', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const long = 'long '.repeat(400);
    await running(
      async (_, heard) => {
        const sent = await slack.socket.fill((at) => slack.say({ from: 'ada', in: 'direct', text: `${at} ${long}` }));
        resolve();
        await until(() => heard.length >= sent);
      },
      {},
      () => promise,
    );
  });

  it('fetches files from nobody but Slack', async () => {
    await running(async (_, heard) => {
      const file = { id: 'F1', name: 'x.txt', url_private_download: 'https://example.com/x.txt' };
      slack.event({ type: 'message', subtype: 'file_share', channel: 'D1', user: 'U9', ts: '1.3', files: [file] });
      const found = () => heard.find(({ attachments }) => attachments.length > 0);
      await until(() => found() !== undefined);
      const fetched = found()?.attachments[0]?.fetch({ most: 100, signal });
      expect(toFailure(await fetched?.catch((one: unknown) => one))).toMatchObject({ code: 'forbidden' });
    });
  });
});
