// SPDX-License-Identifier: Apache-2.0
// The Discord adapter against its REST and gateway: the suite, and what is Discord's alone.

import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ChannelInbound } from '../../../src/channels/adapter.ts';
import type { DiscordAdapter } from '../../../src/channels/discord/adapter.ts';
import { toFailure } from '../../../src/errors.ts';
import { until } from '../../edge/client.ts';
import { adapterSuite } from '../adapter-suite.ts';
import { type DiscordPlatform, openPlatform, platform, TOKEN } from './api.ts';

adapterSuite(platform);

const signal = new AbortController().signal;
const outbound = { attachments: [], idempotencyKey: 'turn:1', content: 'x' };

class Heard {
  readonly messages: ChannelInbound[] = [];
  readonly lostFor: unknown[] = [];
  take: (message: ChannelInbound) => Promise<void> = async () => undefined;

  async received(message: ChannelInbound): Promise<void> {
    await this.take(message);
    this.messages.push(message);
  }

  lost(reason: unknown): void {
    this.lostFor.push(reason);
  }

  get texts(): readonly string[] {
    return this.messages.map(({ content }) => content);
  }
}

describe('Discord', () => {
  let discord: DiscordPlatform;
  const running: DiscordAdapter[] = [];
  beforeAll(async () => {
    discord = await openPlatform();
  });
  afterAll(async () => {
    for (const adapter of running) await adapter.stop();
    await discord.close();
  });

  const connect = async (heard = new Heard()) => {
    const adapter = discord.make();
    running.push(adapter);
    await adapter.start(heard, { signal });
    return { adapter, heard };
  };

  it('goes on within a connection that broke, without a word to anybody', async () => {
    const { adapter, heard } = await connect();
    await discord.say({ from: 'ada', in: 'direct', text: 'before' });
    await until(() => heard.texts.includes('before'));
    discord.breakWith(4_000);
    await until(() => discord.began.length === 2);
    await discord.say({ from: 'ada', in: 'direct', text: 'after' });
    await until(() => heard.texts.includes('after'));
    expect(discord.began).toEqual(['identify', 'resume']);
    expect(heard.lostFor).toEqual([]);
    await adapter.stop();
  });

  it('is told by the next adapter all that was not durable when the connection was lost', async () => {
    const first = await connect();
    const { promise } = Promise.withResolvers<void>();
    first.heard.take = ({ content }) => (content === 'two' ? promise : Promise.resolve());
    for (const text of ['one', 'two', 'three']) await discord.say({ from: 'ada', in: 'direct', text });
    await until(() => first.heard.texts.includes('three'));
    await discord.gateway.down();
    await until(() => first.heard.lostFor.length > 0);
    await first.adapter.stop();
    await discord.say({ from: 'ada', in: 'direct', text: 'meanwhile' });
    await discord.gateway.up();
    const second = await connect();
    await until(() => second.heard.texts.includes('meanwhile'));
    expect(discord.began.at(-1)).toBe('resume');
    expect(second.heard.texts).toEqual(['two', 'three', 'meanwhile']);
    // A session that Discord has forgotten is begun anew.
    await discord.gateway.down();
    await until(() => second.heard.lostFor.length > 0);
    await second.adapter.stop();
    discord.forget();
    await discord.gateway.up();
    const third = await connect();
    await discord.say({ from: 'ada', in: 'thread', text: 'anew' });
    await until(() => third.heard.texts.includes('anew'));
    expect(discord.began.slice(-2)).toEqual(['resume', 'identify']);
    expect(third.heard.messages.at(-1)).toMatchObject(discord.target('thread', 'ada'));
    await third.adapter.stop();
  });

  it('goes on in the next life of the gateway where the last one was killed', async () => {
    const disk = { text: null as string | null };
    const kept = {
      read: async () => disk.text,
      write: async (text: string | null) => {
        disk.text = text;
      },
    };
    const dead = new Heard();
    dead.take = ({ content }) => (content === 'not durable' ? new Promise(() => undefined) : Promise.resolve());
    const killed = discord.make({}, kept);
    running.push(killed);
    await killed.start(dead, { signal });
    await discord.say({ from: 'ada', in: 'direct', text: 'not durable' });
    await discord.say({ from: 'ada', in: 'thread', text: 'durable' });
    await until(() => dead.texts.includes('durable'));
    // What a thread remembers is gone with it; so is what it would still have written.
    const left = disk.text;
    vi.resetModules();
    const { DiscordAdapter: Anew } = await import('../../../src/channels/discord/adapter.ts');
    const next = new Heard();
    const adapter = discord.make({}, { ...kept, read: async () => left }, Anew);
    running.push(adapter);
    await adapter.start(next, { signal });
    await until(() => next.texts.includes('durable'));
    expect(discord.began.at(-1)).toBe('resume');
    expect(next.texts).toEqual(['not durable', 'durable']);
    // Threads are told of once, when a session begins.
    expect(next.messages.at(-1)).toMatchObject(discord.target('thread', 'ada'));
  });

  it('reads no more than it can hand on', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const heard = new Heard();
    heard.take = () => promise;
    const { adapter } = await connect(heard);
    const long = 'long '.repeat(400);
    const sent = await discord.gateway.fill((at) => discord.say({ from: 'ada', in: 'direct', text: `${at} ${long}` }));
    resolve();
    await until(() => heard.messages.length >= sent);
    await adapter.stop();
  });

  it('says what to allow where the bot may not read', async () => {
    discord.refuseNext(4_014);
    const adapter = discord.make();
    const thrown = await adapter.start(new Heard(), { signal }).catch((error: unknown) => error);
    expect(toFailure(thrown)).toMatchObject({
      code: 'channel_refused',
      message: expect.stringContaining('Message Content Intent'),
    });
    await adapter.stop();
  });

  it('gives names for ids, and hears what is no message as nothing', async () => {
    const { adapter, heard } = await connect();
    const author = { id: '77', username: 'ada', global_name: 'Ada' };
    const base = {
      channel_id: '501',
      guild_id: '500',
      timestamp: new Date().toISOString(),
      author,
      member: { nick: 'Countess' },
    };
    const mentions = [
      { id: '100', username: 'sigil', bot: true },
      { id: '78', username: 'bob' },
    ];
    discord.dispatch('MESSAGE_CREATE', { ...base, id: '1', type: 7, content: 'joined' });
    discord.dispatch('MESSAGE_CREATE', { ...base, id: '2', type: 0, content: 'from a hook', webhook_id: '3' });
    discord.dispatch('MESSAGE_CREATE', { of: 'a form nobody knows' });
    discord.dispatch('MESSAGE_CREATE', {
      ...base,
      id: '4',
      type: 0,
      content: '<@!100>, ask <@78> and <@100>',
      mentions,
    });
    await until(() => heard.messages.length > 0);
    expect(heard.messages).toMatchObject([
      { content: 'ask @bob and @Sigil', mentionsAgent: true, sender: { platformId: '77', displayName: 'Countess' } },
    ]);
    await adapter.stop();
  });

  it('calls nobody, looks at no address, and answers in a thread where it was asked', async () => {
    const { adapter } = await connect();
    const thread = discord.target('thread', 'ada');
    const content = '@everyone <@78> see https://example.com';
    const { platformMessageId } = await adapter.send({ ...outbound, ...thread, content }, { signal });
    expect(discord.calls.at(-1)?.body).toMatchObject({
      content: '@\u200beveryone <@78> see https://example.com',
      allowed_mentions: { parse: [] },
      flags: 4,
    });
    await adapter.edit(thread.channelId, platformMessageId, 'changed', { signal });
    expect(discord.calls.at(-1)).toMatchObject({
      method: 'PATCH',
      path: `/channels/${thread.threadId}/messages/${platformMessageId}`,
    });
    await adapter.react(thread.channelId, platformMessageId, '👍');
    expect(discord.calls.at(-1)?.path).toContain('/reactions/%F0%9F%91%8D/@me');
    await adapter.stop();
  });

  it('tells what each refusal means, and never the token', async () => {
    const { adapter } = await connect();
    const { channelId } = discord.target('group', 'ada');
    const told = async (status: number, code: number, message: string) => {
      discord.answerNext(/^POST .*\/messages$/, { status, body: { code, message } });
      const thrown = await adapter.send({ ...outbound, channelId }, { signal }).catch((error: unknown) => error);
      expect(`${JSON.stringify(toFailure(thrown))}${(thrown as Error).stack}`).not.toContain(TOKEN);
      return toFailure(thrown);
    };
    expect(await told(403, 50_013, 'Missing Permissions')).toMatchObject({ code: 'forbidden', retryable: false });
    expect(await told(413, 40_005, 'Request entity too large')).toMatchObject({ code: 'payload_too_large' });
    expect(await told(503, 0, 'Service Unavailable')).toMatchObject({ code: 'channel_network', retryable: true });
    expect(
      toFailure(
        await adapter.send({ ...outbound, channelId: '../guilds' }, { signal }).catch((error: unknown) => error),
      ),
    ).toMatchObject({
      code: 'not_found',
    });
    await adapter.stop();
  });
});
