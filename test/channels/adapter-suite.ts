// SPDX-License-Identifier: Apache-2.0
// What every adapter promises, checked against its platform: each case holds, or is declared to have no meaning there.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ChannelAdapter, ChannelInbound, ChannelOutbound, ChannelSink } from '../../src/channels/adapter.ts';
import { SigilError, toFailure } from '../../src/errors.ts';
import { until } from '../edge/client.ts';
import type { Platform, PlatformUnderTest, Room, SuiteCase } from './platform.ts';

/** A long run has all of them; a short one, whose servers are slow, says fewer. */
const FLOOD = Number(process.env['SIGIL_TEST_FLOOD'] ?? 10_000);
const FLOODERS = 10;
/** How long a server of a test may take over what is not the adapter's. */
const PATIENCE = 30_000;

/** Keeps what it hears, and can refuse it. */
class Ears implements ChannelSink {
  readonly heard: ChannelInbound[] = [];
  readonly lostFor: unknown[] = [];
  /** Called for each message; what it rejects with is the sink's answer. */
  take: (message: ChannelInbound) => Promise<void> = async () => undefined;
  /** Calls of `received` that have not been answered, at most. */
  most = 0;
  #open = 0;

  async received(message: ChannelInbound): Promise<void> {
    this.#open += 1;
    this.most = Math.max(this.most, this.#open);
    try {
      await this.take(message);
      this.heard.push(message);
    } finally {
      this.#open -= 1;
    }
  }

  lost(reason: unknown): void {
    this.lostFor.push(reason);
  }

  async count(count: number, within = PATIENCE): Promise<readonly ChannelInbound[]> {
    await until(() => this.heard.length >= count, within);
    return this.heard;
  }

  async saying(text: string): Promise<ChannelInbound> {
    await until(() => this.heard.some(({ content }) => content.includes(text)), PATIENCE);
    const found = this.heard.find(({ content }) => content.includes(text));
    if (found === undefined) throw new Error(`nobody said ${text}`);
    return found;
  }
}

/** Runs the suite on a platform. */
export function adapterSuite(under: PlatformUnderTest): void {
  const { name, skipped, open, notApplicable } = under;
  const flood = Math.min(FLOOD, under.flood ?? FLOOD);
  const title = `the ${name} adapter${skipped === undefined ? '' : ` (skipped: ${skipped})`}`;
  describe.skipIf(skipped !== undefined)(title, () => {
    let platform: Platform;
    let adapter: ChannelAdapter;
    let ears: Ears;
    let sent = 0;
    const running = new Set<ChannelAdapter>();
    const never = new AbortController().signal;

    beforeAll(async () => {
      platform = await open();
    }, PATIENCE);
    afterAll(() => platform?.close());
    afterEach(async () => {
      for (const one of running) await one.stop();
      running.clear();
    });

    const connect = async (): Promise<void> => {
      ears = new Ears();
      adapter = platform.adapter();
      running.add(adapter);
      await adapter.start(ears, { signal: never });
    };
    const to = (room: Room, content: string, more: Partial<ChannelOutbound> = {}): ChannelOutbound => ({
      ...platform.target(room, 'ada'),
      content,
      attachments: [],
      idempotencyKey: `turn-${++sent}:1`,
      ...more,
    });
    const send = (outbound: ChannelOutbound) => adapter.send(outbound, { signal: never });
    const failing = async (work: Promise<unknown>) => {
      const thrown = await work.then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(thrown).toBeInstanceOf(SigilError);
      expect(JSON.stringify(toFailure(thrown))).not.toContain(platform.key);
      return toFailure(thrown);
    };

    const check = (id: SuiteCase, says: string, run: () => Promise<void>): void => {
      const reason = notApplicable[id];
      if (reason === undefined) it(says, run, PATIENCE * 2);
      else it.skip(`${says} (not applicable: ${reason})`, run);
    };
    /** A case with an adapter that is connected. */
    const connected = (id: SuiteCase, says: string, run: () => Promise<void>): void =>
      check(id, says, async () => {
        await connect();
        await run();
      });

    describe('hears', () => {
      connected('direct', 'a direct message: who, where, what', async () => {
        await platform.say({ from: 'ada', in: 'direct', text: 'hello there' });
        const message = await ears.saying('hello there');
        expect(message).toMatchObject({ direct: true, content: 'hello there', attachments: [] });
        expect(message.channelId).toBe(platform.target('direct', 'ada').channelId);
        expect(message.sender.platformId).not.toBe('');
        expect(message.sender.displayName.toLowerCase()).toContain('ada');
        expect(message.dedupeKey).not.toBe('');
      });

      connected('group', 'a group, and that nobody called', async () => {
        await platform.say({ from: 'ada', in: 'group', text: 'among ourselves' });
        const message = await ears.saying('among ourselves');
        expect(message).toMatchObject({ direct: false, mentionsAgent: false });
        expect(message.channelId).toBe(platform.target('group', 'ada').channelId);
      });

      connected('mention', 'that it is called, and what for', async () => {
        await platform.say({ from: 'ada', in: 'group', text: 'what is the tide', mention: true });
        const message = await ears.saying('what is the tide');
        expect(message).toMatchObject({ direct: false, mentionsAgent: true, content: 'what is the tide' });
      });

      connected('answer', 'that one of its messages is answered', async () => {
        const { platformMessageId } = await send(to('group', 'high water at nine'));
        await platform.say({ from: 'ada', in: 'group', text: 'and low water', replyTo: platformMessageId });
        expect(await ears.saying('and low water')).toMatchObject({ mentionsAgent: true, replyTo: platformMessageId });
      });

      connected('thread', 'which thread it is in', async () => {
        await platform.say({ from: 'ada', in: 'thread', text: 'in a thread' });
        const { channelId, threadId } = platform.target('thread', 'ada');
        expect(await ears.saying('in a thread')).toMatchObject({ channelId, threadId });
      });

      connected('own', 'nothing of what it says itself', async () => {
        await send(to('group', 'I say so myself'));
        await platform.seen(1);
        await platform.say({ from: 'ada', in: 'group', text: 'after it' });
        await ears.saying('after it');
        expect(ears.heard.map(({ content }) => content)).not.toContain('I say so myself');
      });

      connected('bots', 'no other bot', async () => {
        await platform.say({ from: 'robot', in: 'group', text: 'I am a bot', mention: true, bot: true });
        await platform.say({ from: 'ada', in: 'group', text: 'I am none' });
        await ears.saying('I am none');
        expect(ears.heard.some(({ content }) => content.includes('I am a bot'))).toBe(false);
      });

      connected('edits', 'no edit', async () => {
        const id = await platform.say({ from: 'ada', in: 'direct', text: 'first wording' });
        await ears.saying('first wording');
        await platform.edit?.(id, 'second wording');
        await platform.say({ from: 'ada', in: 'direct', text: 'after the edit' });
        await ears.saying('after the edit');
        expect(ears.heard.some(({ content }) => content.includes('second wording'))).toBe(false);
      });

      connected('keys', 'every message under a key of its own, in every conversation', async () => {
        for (const from of ['ada', 'bob'])
          for (const room of ['direct', 'group'] as const) {
            if (room === 'group' && notApplicable.group !== undefined) continue;
            await platform.say({ from, in: room, text: 'the same words' });
            await platform.say({ from, in: room, text: 'the same words' });
          }
        const expected = notApplicable.group === undefined ? 8 : 4;
        await ears.count(expected);
        expect(new Set(ears.heard.map(({ dedupeKey }) => dedupeKey)).size).toBe(expected);
      });

      connected('redelivered', 'a message that comes again under the same key', async () => {
        const id = await platform.say({ from: 'ada', in: 'direct', text: 'once more' });
        await ears.saying('once more');
        await platform.redeliver?.(id);
        const all = await ears.count(2);
        expect(all[1]?.dedupeKey).toBe(all[0]?.dedupeKey);
      });

      connected('order', 'a conversation in its order', async () => {
        const texts = Array.from({ length: 30 }, (_, at) => `line ${at}`);
        for (const text of texts) await platform.say({ from: 'ada', in: 'direct', text });
        expect((await ears.count(30)).map(({ content }) => content)).toEqual(texts);
      });

      connected('unicode', 'every character as it was said', async () => {
        const text = 'Grüße 世界 👩‍👩‍👧 שלום ﷽ e\u0301';
        await platform.say({ from: 'ada', in: 'direct', text });
        expect((await ears.count(1))[0]?.content).toBe(text);
      });

      connected('lines', 'several lines as one message', async () => {
        await platform.say({ from: 'ada', in: 'direct', text: 'one\ntwo\n\nthree' });
        expect((await ears.saying('one')).content).toBe('one\ntwo\n\nthree');
      });

      connected('long-in', 'the longest message there can be', async () => {
        const text = 'long '.repeat(60).trim();
        await platform.say({ from: 'ada', in: 'direct', text });
        expect((await ears.count(1))[0]?.content).toBe(text);
      });

      connected('hostile-in', 'what looks like markup or a command as the text it is', async () => {
        const text = '<b>not bold</b> @everyone %s $(id) `code` & <script>';
        await platform.say({ from: 'ada', in: 'direct', text });
        expect((await ears.count(1))[0]?.content).toBe(text);
      });

      connected('hostile-name', 'a name as nothing but a name', async () => {
        await platform.say({ from: 'admin', in: 'direct', text: 'I am the admin' });
        await platform.say({ from: 'ada', in: 'direct', text: 'I am ada' });
        const one = await ears.saying('I am the admin');
        const other = await ears.saying('I am ada');
        expect(one.sender.platformId).not.toBe(other.sender.platformId);
      });

      connected('empty', 'nothing where nothing is said', async () => {
        await platform.say({ from: 'ada', in: 'direct', text: ' ' }).catch(() => undefined);
        await platform.say({ from: 'ada', in: 'direct', text: 'something' });
        await ears.saying('something');
        expect(ears.heard).toHaveLength(1);
      });

      connected('time', 'when it was said', async () => {
        const before = Date.now() - 120_000;
        await platform.say({ from: 'ada', in: 'direct', text: 'now' });
        const { at } = await ears.saying('now');
        expect(at).toBeGreaterThan(before);
        expect(at).toBeLessThan(Date.now() + 120_000);
      });

      connected('not-taken', 'again what was not taken', async () => {
        let refusals = 0;
        ears.take = async () => {
          if (refusals++ === 0) throw new Error('the disk is full');
        };
        const id = await platform.say({ from: 'ada', in: 'direct', text: 'take this' });
        await until(() => refusals > 0, PATIENCE);
        await platform.redeliver?.(id);
        await ears.saying('take this');
      });

      connected('after-durable', 'and says "taken" only once it is', async () => {
        const { promise, resolve } = Promise.withResolvers<void>();
        let came = 0;
        // What an earlier connection left may come as well.
        ears.take = ({ content }) => {
          if (!content.includes('wait for me')) return Promise.resolve();
          came += 1;
          return promise;
        };
        const id = await platform.say({ from: 'ada', in: 'direct', text: 'wait for me' });
        await until(() => came === 1, PATIENCE);
        // Not acknowledged: the platform has it still, and sends it again.
        await platform.redeliver?.(id);
        await until(() => came >= 2, PATIENCE);
        resolve();
        await until(() => ears.heard.filter(({ content }) => content.includes('wait for me')).length >= 2, PATIENCE);
      });

      connected('flood', `${flood} messages: none is lost, and few are in hand at once`, async () => {
        await Promise.all(
          Array.from({ length: FLOODERS }, async (_, part) => {
            for (let at = 0; at < flood / FLOODERS; at += 1)
              await platform.say({ from: `flood${part}`, in: 'direct', text: `flood ${part} ${at}` });
          }),
        );
        const flooded = () =>
          new Set(ears.heard.map(({ content }) => content).filter((said) => said.startsWith('flood ')));
        await until(() => ears.heard.length >= flood && flooded().size >= flood, PATIENCE * 2);
        expect(ears.most).toBeLessThanOrEqual(256);
        expect(flooded().size).toBe(flood);
      });

      connected('attachment-in', 'what is attached, fetched when it is wanted', async () => {
        const data = new TextEncoder().encode('the file itself');
        const attachment = { name: 'note.txt', mediaType: 'text/plain', data };
        await platform.say({ from: 'ada', in: 'direct', text: 'see this file', attachment });
        const [file] = (await ears.saying('see this file')).attachments;
        expect(file).toMatchObject({ name: 'note.txt' });
        expect(file?.mediaType).toMatch(/^text\/plain/);
        expect(Buffer.from((await file?.fetch({ most: 1_000, signal: never })) ?? []).toString()).toBe(
          'the file itself',
        );
      });

      connected('attachment-too-large', 'and not more of it than is wanted', async () => {
        const attachment = { name: 'big.txt', mediaType: 'text/plain', data: new Uint8Array(100_000).fill(97) };
        await platform.say({ from: 'ada', in: 'direct', text: 'see this big file', attachment });
        const [file] = (await ears.saying('see this big file')).attachments;
        const failure = await failing(file?.fetch({ most: 50_000, signal: never }) ?? Promise.resolve());
        expect(failure.code).toBe('payload_too_large');
      });
    });

    describe('says', () => {
      let before = 0;
      const shown = async (count = 1) => (await platform.seen(before + count)).slice(before);
      /** All that is seen until something is, which may be in several messages where a message is a line. */
      const reading = async (last: string): Promise<string> => {
        const text = async () => (await shown(0)).map((one) => one.text).join('\n');
        await until(async () => (await text()).includes(last), PATIENCE);
        return text();
      };
      const speaking = (id: SuiteCase, says: string, run: () => Promise<void>): void =>
        connected(id, says, async () => {
          before = (await platform.seen(0)).length;
          await run();
        });

      speaking('send', 'a text to a person', async () => {
        await send(to('direct', 'good morning'));
        expect((await shown())[0]).toMatchObject({ room: 'direct', text: 'good morning' });
      });

      speaking('sent-id', 'and knows it by the id the platform gave it', async () => {
        const { platformMessageId } = await send(to('direct', 'remember me'));
        expect((await shown())[0]?.id).toBe(platformMessageId);
      });

      speaking('send-order', 'one thing after the other', async () => {
        const texts = Array.from({ length: 10 }, (_, at) => `part ${at}`);
        for (const text of texts) await send(to('direct', text));
        expect((await shown(10)).map(({ text }) => text)).toEqual(texts);
      });

      speaking('send-group', 'to a group', async () => {
        await send(to('group', 'to all of you'));
        expect((await shown())[0]).toMatchObject({ room: 'group', text: 'to all of you' });
      });

      speaking('send-thread', 'into a thread', async () => {
        await platform.say({ from: 'ada', in: 'thread', text: 'open a thread' });
        await ears.saying('open a thread');
        await send(to('thread', 'in here'));
        expect((await shown())[0]).toMatchObject({ room: 'thread', text: 'in here' });
      });

      speaking('send-answer', 'in answer to a message', async () => {
        const id = await platform.say({ from: 'ada', in: 'group', text: 'a question', mention: true });
        const { messageId } = await ears.saying('a question');
        await send(to('group', 'an answer', { replyTo: messageId }));
        expect((await shown())[0]).toMatchObject({ text: expect.stringContaining('an answer'), replyTo: id });
      });

      speaking('longest', 'the longest text in one piece', async () => {
        const { maxMessageLength } = adapter.capabilities;
        const most = Math.min(maxMessageLength, 40_000);
        const text = 'abcdefghi '
          .repeat(Math.ceil(most / 10))
          .slice(0, most - 1)
          .concat('.');
        await send(to('direct', text));
        expect((await shown())[0]?.text).toBe(text);
      });

      speaking('too-long', 'nothing at all where it is longer', async () => {
        const { maxMessageLength } = adapter.capabilities;
        expect(await failing(send(to('direct', 'x'.repeat(maxMessageLength + 1))))).toMatchObject({
          code: 'payload_too_large',
          retryable: false,
        });
      });

      speaking('fence', 'code as it is written', async () => {
        await send(to('direct', 'Look:\n```js\nif (a < b && c > d) return "*_x_*";\n```\ndone'));
        expect(await reading('done')).toContain('if (a < b && c > d) return "*_x_*";');
      });

      speaking('rich', 'Markdown as the platform shows it', async () => {
        await send(to('direct', 'This is **bold**, and [a link](https://example.com/a_b).'));
        const text = (await shown())[0]?.text ?? '';
        expect(text).toContain('bold');
        expect(text).toContain('a link');
        if (adapter.capabilities.richText === 'platform') expect(text).not.toContain('**');
      });

      speaking('hostile-out', 'commands and calls to all as the text they are', async () => {
        const text = 'a\r\nQUIT :bye\r\n@everyone @here <!channel> <@U123> </message><script>alert(1)</script>';
        await send(to('group', text));
        await send(to('group', 'still here'));
        expect(await reading('still here')).toMatch(/QUIT :bye[\s\S]*still here$/);
      });

      speaking('attachment-out', 'with what is attached', async () => {
        const attachments = [{ name: 'plan.txt', mediaType: 'text/plain', data: new TextEncoder().encode('the plan') }];
        await send(to('direct', 'here it is', { attachments }));
        expect((await shown()).flatMap((one) => one.attachments)).toMatchObject([{ name: 'plan.txt', size: 8 }]);
      });

      speaking('edit', 'one message that grows', async () => {
        const { platformMessageId } = await send(to('direct', 'Once'));
        const { channelId } = platform.target('direct', 'ada');
        await adapter.edit?.(channelId, platformMessageId, 'Once upon a time', { signal: never });
        await until(async () => (await shown())[0]?.text === 'Once upon a time', PATIENCE);
        expect(await shown()).toHaveLength(1);
      });

      speaking('typing', 'that it writes', async () => {
        const { channelId, threadId } = platform.target('direct', 'ada');
        await adapter.typing?.(channelId, threadId);
        await platform.sawTyping?.();
      });

      speaking('limited', 'when to come again', async () => {
        await platform.limitNext?.(2_000);
        const failure = await failing(send(to('direct', 'too soon')));
        expect(failure).toMatchObject({ code: 'rate_limited', retryable: true });
        expect(Number(failure.details?.['retry_after_ms'])).toBeGreaterThan(1_000);
        expect(Number(failure.details?.['retry_after_ms'])).toBeLessThan(10_000);
      });

      speaking('nowhere', 'that a conversation is not there', async () => {
        const failure = await failing(send({ ...to('direct', 'anybody?'), channelId: platform.nowhere }));
        expect(failure.retryable).toBe(false);
      });

      speaking('twice', 'once what is sent twice under one key', async () => {
        const outbound = to('direct', 'only once');
        const first = await send(outbound);
        if (adapter.capabilities.dedupe === 'lookup')
          expect(await adapter.lookup?.(outbound.channelId, outbound.idempotencyKey)).toEqual(first);
        else await send(outbound);
        await send(to('direct', 'and then'));
        expect((await shown(2)).map(({ text }) => text)).toEqual(['only once', 'and then']);
      });
    });

    describe('lives', () => {
      check('wrong-key', 'and says what to do about a wrong key', async () => {
        const wrong = platform.adapter({ wrongKey: true });
        running.add(wrong);
        const failure = await failing(wrong.start(new Ears(), { signal: never }));
        expect(failure.retryable).toBe(false);
        expect(failure.message.length).toBeGreaterThan(20);
      });

      check('gone-at-start', 'and comes again where nobody answers', async () => {
        await platform.down();
        try {
          const alone = platform.adapter();
          running.add(alone);
          expect((await failing(alone.start(new Ears(), { signal: never }))).retryable).toBe(true);
        } finally {
          await platform.up();
        }
      });

      connected('gone', 'and tells once that the connection is gone', async () => {
        await platform.down();
        try {
          await until(() => ears.lostFor.length > 0, PATIENCE);
          expect(ears.lostFor).toHaveLength(1);
        } finally {
          await platform.up();
        }
      });

      connected('back', 'and another one goes on after it', async () => {
        await platform.down();
        await until(() => ears.lostFor.length > 0, PATIENCE);
        await adapter.stop();
        await platform.up();
        await connect();
        await platform.say({ from: 'ada', in: 'direct', text: 'are you back' });
        await ears.saying('are you back');
      });

      connected('while-away', 'and hears what was said meanwhile', async () => {
        await adapter.stop();
        await platform.say({ from: 'ada', in: 'direct', text: 'while you were away' });
        await connect();
        await ears.saying('while you were away');
      });

      connected('send-while-gone', 'and says that nothing can be sent', async () => {
        await platform.down();
        try {
          await until(() => ears.lostFor.length > 0, PATIENCE);
          expect((await failing(send(to('direct', 'into the void')))).retryable).toBe(true);
        } finally {
          await platform.up();
        }
      });

      connected('stop', 'and leaves nothing open when it ends', async () => {
        await until(async () => (await platform.connections()) > 0, PATIENCE);
        await adapter.stop();
        await adapter.stop();
        await until(async () => (await platform.connections()) === 0, PATIENCE);
        expect(ears.lostFor).toEqual([]);
        for (const one of running) await one.stop();
        expect(platform.timers?.() ?? 0).toBe(0);
      });

      connected('stop-in-send', 'and what is being sent then is sent or has failed', async () => {
        const sending = send(to('direct', 'goodbye')).then(
          () => 'sent',
          (thrown: unknown) => (thrown instanceof SigilError ? 'failed' : thrown),
        );
        await adapter.stop();
        expect(['sent', 'failed']).toContain(await sending);
      });

      check('abort', 'and can be stopped while it connects', async () => {
        const stopping = new AbortController();
        const aborted = platform.adapter();
        running.add(aborted);
        const starting = aborted.start(new Ears(), { signal: stopping.signal }).then(
          () => 'started',
          () => 'stopped',
        );
        stopping.abort();
        expect(['started', 'stopped']).toContain(await starting);
        await aborted.stop();
        await until(async () => (await platform.connections()) === 0, PATIENCE);
      });

      connected('identity', 'and knows who somebody is', async () => {
        await platform.say({ from: 'ada', in: 'direct', text: 'who am I' });
        const { sender } = await ears.saying('who am I');
        const known = await adapter.identity(sender.platformId);
        expect(known?.platformId).toBe(sender.platformId);
        expect(known?.displayName.toLowerCase()).toContain('ada');
      });

      connected('identity-unknown', 'and that nobody is somebody', async () => {
        expect(await adapter.identity('nobody-has-this-id')).toBeNull();
      });
    });
  });
}
