// SPDX-License-Identifier: Apache-2.0
// Matrix: what every adapter promises, and what only this one has: the position, gaps, invitations, rooms it cannot read.

import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { ChannelInbound, ChannelSink } from '../../../src/channels/adapter.ts';
import type { MatrixAdapter } from '../../../src/channels/matrix/adapter.ts';
import { matrixSettings } from '../../../src/channels/matrix/settings.ts';
import { SigilError, toFailure } from '../../../src/errors.ts';
import { until } from '../../edge/client.ts';
import { adapterSuite } from '../adapter-suite.ts';
import { realWorld } from '../real-world.ts';
import { AGENT, TOKEN } from './homeserver.ts';
import { GROUP, type MatrixPlatform, openPlatform, platform } from './platform.ts';

/** Time of twenty for one. */
const quick = { ...realWorld.world, after: (ms: number, run: () => void) => realWorld.world.after(ms / 20, run) };
const never = new AbortController().signal;

adapterSuite(platform);

describe('Matrix', () => {
  let under: MatrixPlatform;
  let made = 0;
  beforeAll(async () => {
    under = await openPlatform();
  });
  afterAll(() => under.close());

  interface Started {
    readonly adapter: MatrixAdapter;
    readonly heard: ChannelInbound[];
    readonly lost: unknown[];
    readonly texts: () => readonly string[];
  }
  async function started(
    settings: object = {},
    take: (message: ChannelInbound) => Promise<void> = async () => undefined,
    world = realWorld.world,
  ): Promise<Started> {
    const adapter = under.make(settings, world);
    const heard: ChannelInbound[] = [];
    const lost: unknown[] = [];
    const sink: ChannelSink = {
      async received(message) {
        await take(message);
        heard.push(message);
      },
      lost: (reason) => void lost.push(reason),
    };
    await adapter.start(sink, { signal: never });
    onTestFinished(() => adapter.stop());
    return { adapter, heard, lost, texts: () => heard.map(({ content }) => content) };
  }
  /** A room of its own for each test. */
  const room = (people: readonly string[] = ['ada'], options: { invite?: boolean } = {}): string => {
    const roomId = `!room-${++made}:local`;
    under.home.room(roomId, people, options);
    return roomId;
  };
  const say = (roomId: string, body: string, more: object = {}, from = '@ada:local') =>
    under.home.append(roomId, from, 'm.room.message', { msgtype: 'm.text', body, ...more });
  const outbound = (channelId: string, content: string, more: object = {}) => ({
    channelId,
    content,
    attachments: [],
    idempotencyKey: `turn-${++made}:1`,
    ...more,
  });
  const sent = (roomId: string) =>
    under.home.stream.filter((one) => one.roomId === roomId && one.sender === AGENT && one.state_key === undefined);

  it('hears nothing of what was said before it was ever there', async () => {
    const before = await openPlatform();
    onTestFinished(() => before.close());
    for (let at = 0; at < 3; at += 1) await before.say({ from: 'ada', in: 'direct', text: `long ago ${at}` });
    const adapter = before.make();
    onTestFinished(() => adapter.stop());
    const heard: string[] = [];
    const sink = { received: async ({ content }: ChannelInbound) => void heard.push(content), lost: () => undefined };
    await adapter.start(sink, { signal: never });
    await before.say({ from: 'ada', in: 'direct', text: 'now' });
    await until(() => heard.length > 0);
    expect(heard).toEqual(['now']);
  });

  it('begins again where not everything was durable, and forgets nothing after it', async () => {
    const roomId = room();
    const hangs = await started({}, ({ content }) =>
      content === 'hangs' ? new Promise(() => undefined) : Promise.resolve(),
    );
    say(roomId, 'first');
    await until(() => hangs.heard.length === 1);
    say(roomId, 'hangs');
    say(roomId, 'after it');
    await until(() => hangs.texts().includes('after it'));
    await hangs.adapter.stop();
    const next = await started();
    await until(() => next.heard.length >= 2);
    expect(next.texts()).toEqual(['hangs', 'after it']);
  });

  it('keeps its first position before anything is heard: a crash right after it loses nothing', async () => {
    under.home.accountData.clear();
    await started();
    expect(under.home.accountData.get('dev.sigil.position.DEV')).toMatchObject({
      since: expect.stringMatching(/^s\d+$/),
    });
  });

  it('keeps its position while it runs, for the case that it does not get to stop', async () => {
    const roomId = room();
    const { texts } = await started({}, undefined, quick);
    say(roomId, 'kept');
    await until(() => texts().includes('kept'));
    const last = under.home.stream.at(-1)?.position;
    await until(() => JSON.stringify(under.home.accountData.get('dev.sigil.position.DEV')) === `{"since":"s${last}"}`);
  });

  it('hears all that was said while it was away, in its order, however much it was', async () => {
    const roomId = room();
    const one = await started();
    await one.adapter.stop();
    const said = Array.from({ length: 430 }, (_, at) => `away ${at}`);
    for (const text of said) say(roomId, text);
    const { texts } = await started();
    await until(() => texts().length >= said.length);
    expect(texts()).toEqual(said);
  });

  it('begins anew where the server knows its position no more', async () => {
    under.home.accountData.set('dev.sigil.position.DEV', { since: 'of-another-server' });
    const roomId = room();
    const syncs = () => under.home.asked.filter((asked) => asked.endsWith('/sync')).length;
    const before = syncs();
    const { texts, lost } = await started();
    // Refused, begun anew, and going on.
    await until(() => syncs() >= before + 3);
    say(roomId, 'hello again');
    await until(() => texts().includes('hello again'));
    expect(lost).toEqual([]);
  });

  it('accepts invitations, hears what was said with one, and tells a conversation of two from a room', async () => {
    const { heard, texts } = await started();
    const roomId = room(['ada'], { invite: true });
    say(roomId, 'hello, I just asked you in');
    await until(() => texts().length === 1);
    expect(heard[0]).toMatchObject({ channelId: roomId, direct: true, sender: { displayName: 'Ada' } });
    under.home.rooms.get(roomId)?.set('@bob:local', 'Bob');
    under.home.append(roomId, '@bob:local', 'm.room.member', { membership: 'join' }, { state_key: '@bob:local' });
    say(roomId, 'now we are three');
    await until(() => texts().length === 2);
    expect(heard[1]?.direct).toBe(false);
  });

  it('leaves invitations alone where it is told so', async () => {
    const { texts } = await started({ invites: 'ignore' });
    const roomId = room(['ada'], { invite: true });
    await under.say({ from: 'ada', in: 'direct', text: 'did you see it' });
    await until(() => texts().includes('did you see it'));
    expect(under.home.rooms.get(roomId)?.has(AGENT)).toBe(false);
  });

  it('joins the rooms of its settings, and says which it cannot', async () => {
    const roomId = room(['ada'], { invite: true });
    await started({ rooms: [roomId], invites: 'ignore' });
    expect(under.home.rooms.get(roomId)?.has(AGENT)).toBe(true);
    const failure = await refused(under.make({ rooms: ['!closed:local'] }).start(nobody, { signal: never }));
    expect(failure).toMatchObject({ code: 'channel_refused', retryable: false });
    expect(failure.message).toContain('!closed:local');
  });

  it('says once that it cannot read an encrypted room', async () => {
    const roomId = room();
    const { texts } = await started();
    for (let at = 0; at < 3; at += 1)
      under.home.append(roomId, '@ada:local', 'm.room.encrypted', {
        algorithm: 'm.megolm.v1.aes-sha2',
        ciphertext: 'x',
      });
    await until(() => sent(roomId).length > 0);
    say(roomId, 'in the clear');
    await until(() => texts().includes('in the clear'));
    expect(sent(roomId)).toHaveLength(1);
    expect(sent(roomId)[0]?.content).toMatchObject({ msgtype: 'm.notice', body: expect.stringContaining('encrypted') });
  });

  it('knows who is meant: by mention, by name, by an answer; and what an old program quotes', async () => {
    const { adapter, heard } = await started();
    const { platformMessageId: own } = await adapter.send(outbound(GROUP, 'high water at nine'), { signal: never });
    const answers = (id: string) => ({ 'm.relates_to': { 'm.in_reply_to': { event_id: id } } });
    const cases: readonly (readonly [string, object, string, boolean])[] = [
      ['Sigil: one', {}, 'one', true],
      ['@sigil:local, two', {}, 'two', true],
      ['what does sigil say', {}, 'what does sigil say', true],
      ['what does sigil say', { 'm.mentions': {} }, 'what does sigil say', false],
      ['three', { 'm.mentions': { user_ids: [AGENT] } }, 'three', true],
      ['four', { 'm.mentions': { user_ids: ['@bob:local'] } }, 'four', false],
      ['> <@sigil:local> high water\n> at nine\n\nfive', answers(own), 'five', true],
      ['six', answers('$somebody-else'), 'six', false],
      ['sigilant: seven', {}, 'sigilant: seven', false],
    ];
    for (const [body, more] of cases) say(GROUP, body, more);
    await until(() => heard.length === cases.length);
    expect(heard.map(({ content, mentionsAgent }) => [content, mentionsAgent])).toEqual(
      cases.map(([, , content, named]) => [content, named]),
    );
  });

  it('passes over what is no message, and what a server made up', async () => {
    const roomId = room();
    const { texts } = await started();
    const odd: readonly object[] = [
      {},
      { msgtype: 'm.text' },
      { msgtype: 7, body: 'x' },
      { msgtype: 'm.text', body: ['x'] },
    ];
    for (const content of odd) under.home.append(roomId, '@ada:local', 'm.room.message', content);
    under.home.append(roomId, '@ada:local', 'm.room.message', {
      msgtype: 'm.file',
      body: 'f',
      url: 'http://evil.example/',
    });
    under.home.append(roomId, '@ada:local', 'm.room.message', {
      msgtype: 'm.text',
      body: 'odd beside it',
      info: 'none',
      'm.relates_to': 'nothing',
      'm.mentions': [],
    });
    under.home.append(roomId, '@ada:local', 'm.room.message', { msgtype: 'm.emote', body: 'waves' });
    await until(() => texts().length === 2);
    expect(texts()).toEqual(['odd beside it', '* waves']);
  });

  it('fetches files of old servers too', async () => {
    under.home.authenticatedMedia = false;
    onTestFinished(() => {
      under.home.authenticatedMedia = true;
    });
    const { heard } = await started();
    const data = new TextEncoder().encode('old');
    const attachment = { name: 'a.txt', mediaType: 'text/plain', data };
    await under.say({ from: 'ada', in: 'direct', text: 'a file', attachment });
    await until(() => heard.length === 1);
    const file = await heard[0]?.attachments[0]?.fetch({ most: 10, signal: never });
    expect(Buffer.from(file ?? []).toString()).toBe('old');
  });

  it('writes threads, answers, files and edits as others read them', async () => {
    const { adapter } = await started();
    const roomId = room();
    const post = (content: string, more: object = {}) =>
      adapter.send(outbound(roomId, content, more), { signal: never });
    await post('plain');
    await post('**bold** <b>');
    await post('[a]: https://example.com/b');
    await post('in thread', { threadId: '$root' });
    await post('answer in thread', { threadId: '$root', replyTo: '$x' });
    await post('answer', { replyTo: '$x' });
    await post('', { attachments: [{ name: 'a.png', mediaType: 'image/png', data: new Uint8Array(3) }] });
    const { platformMessageId } = await post('grows');
    await adapter.edit(roomId, platformMessageId, 'grows **on**', { signal: never });
    await adapter.react(roomId, platformMessageId, '👍');
    const inReply = (id: string) => ({ 'm.in_reply_to': { event_id: id } });
    const thread = { rel_type: 'm.thread', event_id: '$root' };
    const html = (formatted_body: string) => ({ format: 'org.matrix.custom.html', formatted_body });
    const text = { msgtype: 'm.text', 'm.mentions': {} };
    expect(sent(roomId).map(({ content }) => content)).toEqual([
      { ...text, body: 'plain' },
      { ...text, body: '**bold** <b>', ...html('<p><b>bold</b> &lt;b&gt;</p>') },
      { ...text, body: '[a]: https://example.com/b' },
      { ...text, body: 'in thread', 'm.relates_to': { ...thread, is_falling_back: true, ...inReply('$root') } },
      { ...text, body: 'answer in thread', 'm.relates_to': { ...thread, is_falling_back: false, ...inReply('$x') } },
      { ...text, body: 'answer', 'm.relates_to': inReply('$x') },
      {
        msgtype: 'm.image',
        body: 'a.png',
        filename: 'a.png',
        url: expect.stringMatching(/^mxc:\/\/local\//),
        info: { mimetype: 'image/png', size: 3 },
        'm.mentions': {},
      },
      { ...text, body: 'grows' },
      {
        ...text,
        body: '* grows **on**',
        'm.new_content': { ...text, body: 'grows **on**', ...html('<p>grows <b>on</b></p>') },
        'm.relates_to': { rel_type: 'm.replace', event_id: platformMessageId },
      },
      { 'm.relates_to': { rel_type: 'm.annotation', event_id: platformMessageId, key: '👍' } },
    ]);
  });

  it('fits into an event whatever it is that is said', async () => {
    const { adapter } = await started();
    const roomId = room();
    for (const unit of ['x', '世', '"', '<', '**a** ', '\u0001']) {
      const text = unit.repeat(Math.floor(10_000 / unit.length));
      const { platformMessageId } = await adapter.send(outbound(roomId, text), { signal: never });
      await adapter.edit(roomId, platformMessageId, text, { signal: never });
    }
    expect(sent(roomId)).toHaveLength(12);
  });

  it.each([
    [401, 'M_UNKNOWN_TOKEN', 'channel_auth', false],
    [403, 'M_USER_LOCKED', 'channel_auth', false],
    [403, 'M_FORBIDDEN', 'forbidden', false],
    [404, 'M_NOT_FOUND', 'not_found', false],
    [413, 'M_TOO_LARGE', 'payload_too_large', false],
    [400, 'M_BAD_JSON', 'channel_refused', false],
    [429, 'M_LIMIT_EXCEEDED', 'rate_limited', true],
    [502, 'M_UNKNOWN', 'channel_network', true],
  ] as const)('tells what %i %s means', async (status, errcode, code, retryable) => {
    const { adapter, lost } = await started();
    under.home.answers.push(['/send/', { status, body: { errcode, error: 'it says' } }]);
    const failure = await refused(adapter.send(outbound(GROUP, 'refused'), { signal: never }));
    expect(failure).toMatchObject({ code, retryable });
    expect(failure.message).toContain(errcode);
    expect(lost).toHaveLength(code === 'channel_auth' ? 1 : 0);
  });

  it('is not lost over one answer of a proxy, nor over being asked to wait', async () => {
    const roomId = room();
    const { texts, lost } = await started({}, undefined, quick);
    under.home.answers.push(['/sync', { status: 502, body: Buffer.from('<html>Bad Gateway') }]);
    under.home.answers.push(['/sync', { status: 429, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: 1 } }]);
    say(roomId, 'wakes it');
    say(roomId, 'goes on');
    await until(() => texts().includes('goes on'));
    expect(lost).toEqual([]);
  });

  it('is lost once when its token is taken away', async () => {
    const { lost } = await started();
    under.home.answers.push(['/sync', { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', error: 'gone' } }]);
    await under.say({ from: 'ada', in: 'direct', text: 'wakes it' });
    await until(() => lost.length > 0);
    expect(toFailure(lost[0])).toMatchObject({ code: 'channel_auth', retryable: false });
    expect(lost).toHaveLength(1);
  });
});

it.each([
  [{ homeserver: 'matrix.org' }, 'homeserver'],
  [{ access_token: '' }, 'access_token'],
  [{ rooms: ['harbour'] }, 'rooms'],
  [{ invites: 'all' }, 'invites'],
])('settings of Matrix refuse %j', (wrong, path) => {
  const { error } = matrixSettings.safeParse({ homeserver: 'https://matrix.org', access_token: TOKEN, ...wrong });
  expect(error?.issues[0]?.path[0]).toBe(path);
});

const nobody: ChannelSink = { received: async () => undefined, lost: () => undefined };

async function refused(work: Promise<unknown>) {
  const thrown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(thrown).toBeInstanceOf(SigilError);
  const failure = toFailure(thrown);
  expect(JSON.stringify(failure)).not.toContain(TOKEN);
  return failure;
}
