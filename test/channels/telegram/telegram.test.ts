// SPDX-License-Identifier: Apache-2.0
// The Telegram adapter against a Bot API server: the suite, and what is Telegram's alone.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ChannelInbound, WebhookRequest } from '../../../src/channels/adapter.ts';
import type { TelegramAdapter } from '../../../src/channels/telegram/adapter.ts';
import { telegramSettings } from '../../../src/channels/telegram/settings.ts';
import { toFailure } from '../../../src/errors.ts';
import { until } from '../../edge/client.ts';
import { adapterSuite } from '../adapter-suite.ts';
import { openPlatform, platform, type TelegramPlatform, TOKEN } from './bot-api.ts';

adapterSuite(platform);

const signal = new AbortController().signal;
const outbound = { attachments: [], idempotencyKey: 'turn:1', content: 'x' };

describe('Telegram', () => {
  let api: TelegramPlatform;
  beforeAll(async () => {
    api = await openPlatform();
  });
  afterAll(() => api.close());

  const running = async (
    run: (adapter: TelegramAdapter, heard: ChannelInbound[]) => Promise<void>,
    settings: object = {},
    take: (message: ChannelInbound) => Promise<void> = async () => undefined,
  ): Promise<void> => {
    const heard: ChannelInbound[] = [];
    const adapter = api.make(settings);
    const received = async (message: ChannelInbound) => {
      await take(message);
      heard.push(message);
    };
    await adapter.start({ received, lost: () => undefined }, { signal });
    try {
      await run(adapter, heard);
    } finally {
      await adapter.stop();
    }
  };

  it('confirms nothing before it is durable, and the next connection hears it', async () => {
    const { promise, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined);
    let came = 0;
    await running(
      async () => {
        await api.say({ from: 'ada', in: 'direct', text: 'one' });
        await api.say({ from: 'ada', in: 'direct', text: 'two' });
        await until(() => came >= 1);
        expect(api.pending).toHaveLength(2);
      },
      {},
      () => {
        came += 1;
        return promise;
      },
    );
    reject(new Error('it was stopped'));
    await running(async (_, heard) => {
      await until(() => heard.length === 2);
      expect(heard.map(({ content }) => content)).toEqual(['one', 'two']);
      await until(() => api.pending.length === 0);
    });
  });

  it('asks again for what was not taken, though what came after it was', async () => {
    let refusals = 0;
    await running(
      async (_, heard) => {
        await api.say({ from: 'ada', in: 'direct', text: 'refused once' });
        await api.say({ from: 'ada', in: 'direct', text: 'taken' });
        await until(() => heard.some(({ content }) => content === 'refused once'));
        expect(refusals).toBe(2);
        await until(() => api.pending.length === 0);
      },
      {},
      async ({ content }) => {
        if (content === 'refused once' && refusals++ === 0) throw new Error('the disk is full');
      },
    );
  });

  it('takes commands and calls by name, and knows those for other bots', async () => {
    await running(async (_, heard) => {
      const base = { date: 1, from: { id: 7, is_bot: false, first_name: 'A' }, chat: { id: -5, type: 'group' } };
      const commands = ['/new@sigil_bot now', '/new@other_bot', '/new'];
      commands.forEach((text, at) => {
        const length = text.split(' ')[0]?.length;
        api.put({ ...base, message_id: at + 1, text, entities: [{ type: 'bot_command', offset: 0, length }] });
      });
      const text = 'ask @Sigil_Bot about it';
      api.put({ ...base, message_id: 4, text, entities: [{ type: 'mention', offset: 4, length: 10 }] });
      const linked = '@sigil_bot look here and there';
      const links = [
        { type: 'mention', offset: 0, length: 10 },
        { type: 'text_link', offset: 11, length: 9, url: 'https://a.example' },
        { type: 'text_link', offset: 25, length: 5, url: 'https://b.example' },
      ];
      api.put({ ...base, message_id: 6, text: linked, entities: links });
      api.put({ message_id: 'of a form nobody knows' });
      api.put({ ...base, message_id: 5, text: 'last' });
      await until(() => heard.length === 6);
      expect(heard.map(({ content, mentionsAgent }) => [content, mentionsAgent])).toEqual([
        ['/new now', true],
        ['/new@other_bot', false],
        ['/new', false],
        [text, true],
        ['look here (https://a.example) and there (https://b.example)', true],
        ['last', false],
      ]);
    });
  });

  it('is brought messages, and says "taken" only once they are durable', async () => {
    let refusing = true;
    const take = async () => {
      if (refusing) throw new Error('the disk is full');
    };
    const settings = {
      mode: 'webhook',
      webhook_url: 'https://bot.example/webhooks/tg',
      webhook_secret: 'shown-by-telegram',
    };
    await running(
      async (adapter, heard) => {
        const set = api.calls.findLast(({ method }) => method === 'setWebhook');
        expect(set?.body).toMatchObject({ url: settings.webhook_url, secret_token: settings.webhook_secret });
        const id = await api.say({ from: 'ada', in: 'direct', text: 'brought' });
        const request = (secret: string, body: unknown): WebhookRequest => ({
          method: 'POST',
          path: '/webhooks/tg',
          query: '',
          headers: { 'x-telegram-bot-api-secret-token': secret },
          body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
        });
        const update = { update_id: 1, message: api.messageOf(id) };
        expect(await adapter.webhook(request('another', update))).toEqual({ status: 401, headers: {}, body: '' });
        expect((await adapter.webhook(request('', update))).status).toBe(401);
        expect((await adapter.webhook(request('shown-by-telegram', update))).status).toBe(503);
        refusing = false;
        expect((await adapter.webhook(request('shown-by-telegram', update))).status).toBe(200);
        expect((await adapter.webhook(request('shown-by-telegram', '{"no": json'))).status).toBe(200);
        expect(heard.map(({ content }) => content)).toEqual(['brought']);
        await adapter.stop();
        expect((await adapter.webhook(request('shown-by-telegram', update))).status).toBe(503);
      },
      settings,
      take,
    );
    expect(telegramSettings.safeParse({ token: 'x', mode: 'webhook' }).success).toBe(false);
    // What nobody took from the stand-in is confirmed, so that it is not heard by who comes next.
    await running(() => until(() => api.pending.length === 0));
  });

  it('sends as it is written what Telegram does not take with marks', async () => {
    await running(async (adapter) => {
      const { channelId } = api.target('direct', 'ada');
      api.refuse('sendMessage', 400, "Bad Request: can't parse entities: unsupported start tag");
      await adapter.send({ ...outbound, channelId, content: '**bold**' }, { signal });
      expect((await api.seen(0)).at(-1)).toMatchObject({ raw: '**bold**' });
      // A rule and an empty line more than is written, each: too long once it is rendered.
      const rules = '***\na\n'.repeat(680).slice(0, 4_096);
      await adapter.send({ ...outbound, channelId, content: rules }, { signal });
      expect((await api.seen(0)).at(-1)?.raw).toBe(rules);
    });
  });

  it('sends several files as an album with the text, and a picture as one', async () => {
    await running(async (adapter) => {
      const { channelId } = api.target('direct', 'ada');
      const file = (name: string, mediaType = 'text/plain') => ({ name, mediaType, data: Buffer.from(name) });
      const attachments = [file('a.txt'), file('b.txt')];
      await adapter.send({ ...outbound, channelId, content: 'two **files**', attachments }, { signal });
      const album = (await api.seen(0)).at(-1);
      expect(album?.attachments.map(({ name }) => name)).toEqual(['a.txt', 'b.txt']);
      const pictures = [file('p.png', 'image/png')];
      await adapter.send({ ...outbound, channelId, content: 'look '.repeat(300), attachments: pictures }, { signal });
      const [words, picture] = (await api.seen(0)).slice(-2);
      expect([words?.text.length, picture?.attachments[0]?.name]).toEqual([1_499, 'p.png']);
      expect(api.calls.at(-1)?.method).toBe('sendPhoto');
    });
  });

  it('changes nothing where nothing is to be changed, and gives reactions', async () => {
    await running(async (adapter) => {
      const { channelId } = api.target('direct', 'ada');
      const { platformMessageId } = await adapter.send({ ...outbound, channelId, content: 'same' }, { signal });
      await adapter.edit(channelId, platformMessageId, 'same', { signal });
      await adapter.react(channelId, platformMessageId, '👍');
      expect(api.calls.at(-1)?.body).toMatchObject({ reaction: [{ type: 'emoji', emoji: '👍' }] });
    });
  });

  it('tells what each refusal means, and never the token', async () => {
    await running(async (adapter) => {
      const { channelId } = api.target('direct', 'ada');
      const told = async (code: number, description: string, parameters?: object) => {
        api.refuse('sendMessage', code, description, parameters);
        const thrown = await adapter.send({ ...outbound, channelId }, { signal }).catch((error: unknown) => error);
        expect(`${JSON.stringify(toFailure(thrown))}${String(thrown)}${(thrown as Error).stack}`).not.toContain(TOKEN);
        return toFailure(thrown);
      };
      expect(await told(403, 'Forbidden: bot was blocked by the user')).toMatchObject({
        code: 'forbidden',
        retryable: false,
      });
      expect(await told(400, 'Bad Request: group chat was upgraded', { migrate_to_chat_id: -100_77 })).toMatchObject({
        code: 'not_found',
        message: expect.stringContaining('-10077'),
      });
      expect(await told(502, 'Bad Gateway')).toMatchObject({ code: 'channel_network', retryable: true });
      expect(await told(401, 'Unauthorized')).toMatchObject({ code: 'channel_auth', retryable: false });
      await api.down();
      const thrown = await adapter.send({ ...outbound, channelId }, { signal }).catch((error: unknown) => error);
      await api.up();
      expect(`${JSON.stringify(toFailure(thrown))}${(thrown as Error).stack}`).not.toContain(TOKEN);
    });
  });

  it('ends where another program reads its messages', async () => {
    const adapter = api.make();
    const lost = Promise.withResolvers<unknown>();
    api.refuse('getUpdates', 409, 'Conflict: terminated by other getUpdates request');
    await adapter.start({ received: async () => undefined, lost: lost.resolve }, { signal });
    expect(toFailure(await lost.promise)).toMatchObject({
      code: 'channel_network',
      message: expect.stringContaining('another program'),
    });
    await adapter.stop();
  });
});
