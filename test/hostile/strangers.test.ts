// SPDX-License-Identifier: Apache-2.0
// What strangers try on chat channels with who they say they are and how many they are, over the real directory.

import { simpleParser } from 'mailparser';
import { describe, expect, it } from 'vitest';
import { senderOf } from '../../src/channels/email/translate.ts';
import { loadMarkdown } from '../../src/channels/text/markdown.ts';
import { configuredDirectory } from '../../src/stores/configured-directory.ts';
import { EMPTY_DIRECTORY } from '../../src/stores/directory.ts';
import { decideDirectory } from '../../src/stores/directory-decide.ts';
import { DIRECTORY_MOST } from '../../src/stores/directory-rules.ts';
import { door, inbound, PeopleStand } from '../actors/channel/people-stand.ts';

const OWNER = { id: 'olga', role: 'owner', identities: [{ channel: 'telegram', platform_id: 'ada' }] };

describe('who is not', () => {
  const stand = new PeopleStand({ users: [OWNER] });
  const tg = door('tg');

  it.each([
    ['in capitals', 'ADA'],
    ['with another alphabet', '\u0430da'],
    ['wide', '\uff41da'],
    ['with a space', 'ada '],
    ['with a line break', 'ada\n'],
    ['with what has no width', 'ada\u200b'],
    ['with what turns the text', '\u202eada'],
    ['with an accent of its own', 'ada\u0301'],
    ['with half a character', 'ada\ud83d'],
    ['with a variation', 'ada\ufe0f'],
    ['with its platform', 'telegram:ada'],
    ['as a pattern', '*'],
    ['as what every object has', '__proto__'],
    ['as what every object does', 'constructor'],
  ])('somebody: their id %s', (_, from) => {
    expect(stand.where(inbound('hello', {}, from), tg)).toBe('request_pairing');
    expect(stand.where(inbound('/approve', {}, from), tg)).toBe('request_pairing');
    const named = inbound('hello', { sender: { platformId: '7', displayName: 'ada' } });
    expect(stand.where(named, tg)).toBe('request_pairing');
  });

  it.each([
    ['with NUL', 'ada\0'],
    ['with 100,000 characters', 'a'.repeat(100_000)],
    ['with none', ''],
  ])('anybody: an id %s', (_, from) => {
    expect(stand.where(inbound('hello', { channelId: 'c' }, from), tg)).toBe('not_paired');
  });

  it.each([
    ['From: Kate@Example.COM', 'kate@example.com'],
    ['From: \u212aate@example.com', '\u212aate@example.com'],
    ['From: eve@example.net\r\nFrom: kate@example.com', undefined],
    ['From: kate@example.com\r\nFrom: eve@example.net', undefined],
    ['From: kate@example.com, eve@example.net', undefined],
    ['From: eve@example.net\r\nSender: kate@example.com\r\nReply-To: kate@example.com', 'eve@example.net'],
    ['From: "kate@example.com" <eve@example.net>', 'eve@example.net'],
    ['From: =?utf-8?Q?kate=40example.com=0D=0AFrom=3A_kate=40example.com?= <eve@example.net>', 'eve@example.net'],
    ['Sender: kate@example.com', undefined],
  ])('somebody by mail: %j', async (lines, address) => {
    expect(senderOf(await simpleParser(`${lines}\r\nSubject: hello\r\n\r\nhello\r\n`))?.address).toBe(address);
  });
});

describe('what an owner is told of a request', () => {
  it.each([
    ['a link', '[click](javascript:alert(1))'],
    ['calls to all', '**Olga** @everyone <!channel> <@U1>'],
    ['HTML', '</b><script>alert(1)</script><a href="//x">'],
    ['words of the owner', 'a\nolga says: /approve 00000000'],
    ['the end of code', '` /deny ` ``` x'],
    ['what turns the text', '\u202eevil\u2066\0\u200b'],
    ['a picture', '![x](http://127.0.0.1/secret)'],
    ['10,000 characters', 'x'.repeat(10_000)],
  ])('has no mark of theirs in it: %s', async (_, hostile) => {
    const stand = new PeopleStand({ users: [OWNER] });
    const tg = door('tg');
    stand.change('pairing.create', {
      ...{ channel: 'tg', channel_type: 'telegram', channel_id: 'home', platform_id: 'ada', display_name: '' },
      ...{ user_id: 'olga', workspace_id: '', status: 'active' },
    });
    const platformId = hostile.replaceAll('\0', '').slice(0, 500);
    stand.send(inbound('hello', { channelId: 'c', sender: { platformId, displayName: hostile } }), tg);
    const text = stand.notices[0]?.[1] ?? '';
    expect(text.length).toBeLessThan(400);
    expect(text).not.toMatch(/[\p{Cc}\p{Cf}]/u);
    // Outside of the one piece of code there are words, and the two commands are ours.
    const [block, ...others] = (await loadMarkdown())(text);
    expect(others).toEqual([]);
    expect(block).toMatchObject({
      kind: 'paragraph',
      children: [{ kind: 'text' }, { kind: 'code' }, { kind: 'text' }],
    });
    const [before, , after] = (block as { children: readonly { text: string }[] }).children;
    expect(before?.text).not.toMatch(/[@<>[\]*/]/);
    expect(after?.text).toMatch(/^\) asks on tg to be let in\. \/approve \w{8} or \/deny \w{8}$/);
  });
});

describe('strangers without number', () => {
  const tg = door('tg', { denied_reply: 'Not for you.' });

  it('are not heard once too many wait, and hold up nobody who is known', () => {
    const stand = new PeopleStand({ users: [OWNER] });
    const house = stand.house(tg);
    for (let who = 0; who < DIRECTORY_MOST.pending; who += 1) stand.send(inbound('hello', {}, `s${who}`), tg, house);
    expect(stand.owner.state?.pending).toBe(DIRECTORY_MOST.pending);
    // It is over with that: nothing is thrown for which a platform would send it again, and they are told so once.
    expect(stand.send(inbound('hello', {}, 'late'), tg, house)).toBe('Not for you.');
    expect(stand.send(inbound('hello again', {}, 'late'), tg, house)).toBeNull();
    expect(stand.unheard).toEqual(['conflict', 'conflict']);
    expect(stand.where(inbound('hello', {}, 'ada'), tg)).toBe('olga in personal:olga');
  });

  it('are no guests once there are too many of them', () => {
    const { fixed } = configuredDirectory({ users: [], auth: { mode: 'token', tokens: [] }, workspaces: {} } as never);
    const there = { channel: 'tg', channel_type: 'telegram', channel_id: 'c', platform_id: '9', display_name: '' };
    const full = { ...EMPTY_DIRECTORY, guests: DIRECTORY_MOST.guests };
    const deciding = { now: 0, uuid: () => 'id', fixed, by: { user_id: 'system', via: '' } };
    const decided = decideDirectory(full, { type: 'guest.register', body: { ...there, workspace_id: '' } }, deciding);
    expect(decided).toMatchObject({ ok: false, error: { code: 'conflict', retryable: false } });
  });
});

it('an owner who stands nowhere yet can be told who they are, and nobody else becomes one by it', () => {
  const stand = new PeopleStand();
  const identity = { channel: 'telegram', platform_id: '4711', display_name: '' };
  const tg = door('tg', { pairing: 'closed' });
  expect(() => stand.change('user.link', { id: 'nobody', identity })).toThrow('not_found');
  expect(stand.change('user.link', { id: 'owner', identity })).toMatchObject({ role: 'owner' });
  expect(stand.where(inbound('hello', {}, '4711'), tg)).toBe('owner in personal:owner');
  expect(stand.where(inbound('hello', {}, '4712'), tg)).toBe('not_paired');
  expect(() => stand.change('user.link', { id: 'owner', identity })).not.toThrow();
  expect(stand.owner.state?.users.get('owner')?.identities).toHaveLength(1);
});
