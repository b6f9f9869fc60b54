// SPDX-License-Identifier: Apache-2.0
// Codes that let people in, and those who have none: guessed, sent twice, late, on another channel, by somebody else.

import { describe, expect, it } from 'vitest';
import { type Config, ConfigSchema } from '../../../src/config/schema.ts';
import { TRIERS_MOST } from '../../../src/stores/code-tries.ts';
import { configuredDirectory } from '../../../src/stores/configured-directory.ts';
import { EMPTY_DIRECTORY } from '../../../src/stores/directory.ts';
import { codeHash, codeOf } from '../../../src/stores/directory-codes.ts';
import { decideDirectory } from '../../../src/stores/directory-decide.ts';
import { door, inbound, PeopleStand } from './people-stand.ts';

const tg = door('tg', { pairing: 'pair_with_code' });
const WRONG = '/pair AAAA-BBBB-CCCC';
const hello = (from: string) => inbound('hello', {}, from);

function stands() {
  const stand = new PeopleStand({ workspaces: { family: {} } });
  const house = stand.house(tg);
  const pair = (text: string, from = '99', of = tg) =>
    stand.send(inbound(text, {}, from), of, of === tg ? house : stand.house(of));
  return { stand, house, pair };
}

describe('a pairing code', () => {
  it('lets in whoever sends it first, once, however it is typed', () => {
    const { stand, pair } = stands();
    const code = stand.code('tg', { role: 'guest' });
    expect(stand.where(hello('99'), tg)).toBe('not_paired');
    expect(pair(`/pair@agent  ${code.toLowerCase().replaceAll('-', ' ')}`)).toContain('You are let in');
    expect(stand.where(hello('99'), tg)).toMatch(/^telegram-\w+ in personal:/);
    // The same message again, as after a crash: it did what it was to do.
    expect(pair(`/pair ${code}`)).toContain('already');
    expect(pair(`/pair ${code}`, '98')).toContain('no code');
    expect(stand.where(hello('98'), tg)).toBe('not_paired');
    expect(stand.owner.state?.codes.size).toBe(0);
    expect(stand.written()).not.toContain(code);
  });

  it('is worth nothing on another channel, nor a moment too late', () => {
    const { stand, pair } = stands();
    const code = stand.code('tg');
    expect(pair(`/pair ${code}`, '99', door('tg-two', { pairing: 'pair_with_code' }))).toContain('no code');
    stand.clock.advance(600_000);
    expect(pair(`/pair ${code}`, '98')).toContain('no code');
    const fresh = stand.code('tg');
    stand.clock.advance(599_999);
    expect(pair(`/pair ${fresh}`, '97')).toContain('You are let in');
    expect(codeHash('a', 'X')).not.toBe(codeHash('b', 'X'));
  });

  it('is not guessed: five wrong ones and nothing is taken for an hour, on no channel of the platform, the right one neither', () => {
    const { stand, pair } = stands();
    const said = Array.from({ length: 5 }, () => pair(WRONG));
    expect(said.slice(0, 4)).toEqual([4, 3, 2, 1].map((left) => expect.stringContaining(`${left} more`)));
    expect(said[4]).toContain('60 minutes');
    const code = stand.code('tg');
    expect(pair(`/pair ${code}`)).toBeNull();
    const records = stand.rows.rows.size;
    expect(pair(WRONG)).toBeNull();
    expect(pair(WRONG, '99', door('tg-two'))).toContain('Too many');
    expect(stand.rows.rows.size).toBe(records);
    expect(stand.where(hello('99'), tg)).toBe('not_paired');
    // Somebody else is not locked with them, and what is not used up is still good.
    expect(pair(`/pair ${code}`, '98')).toContain('You are let in');
    // As long as a restart does not help either.
    const later = new PeopleStand({}, stand.rows);
    expect(later.send(inbound(WRONG, {}, '99'), tg)).toContain('Too many');
    stand.clock.advance(3_600_000);
    expect(pair(`/pair ${stand.code('tg')}`)).toContain('You are let in');
  });

  it('says who they are and where, and never makes somebody another', () => {
    const { stand, pair } = stands();
    for (const id of ['anna', 'bo'])
      stand.change('user.create', { id, name: '', role: 'member', session_mode: null, identities: [] });
    const owned = stand.code('tg', { user_id: 'owner' });
    expect(pair(`/pair ${owned}`, '1')).toContain('You are let in');
    expect(stand.where(hello('1'), tg)).toBe('owner in personal:owner');
    // Where it came from they are told of who asks to be let in.
    const asking = door('tg-two', { pairing: 'pair_on_request' });
    pair('hello', '70', asking);
    expect(stand.notices.map(([place]) => place)).toEqual([{ user_id: 'owner', channel: 'tg', channel_id: '1' }]);
    pair(`/pair ${stand.code('tg', { user_id: 'anna', workspace_id: 'family' })}`, '2');
    expect(stand.where(hello('2'), tg)).toBe('anna in family');
    const bos = stand.code('tg', { user_id: 'bo' });
    expect(pair(`/pair ${bos}`, '2')).toContain('not for you');
    expect(pair(`/pair ${bos}`, '3')).toContain('You are let in');
    // A code for somebody goes with them, and what they tried.
    const gone = stand.code('tg', { user_id: 'bo' });
    pair(WRONG, '5');
    stand.change('user.link', { id: 'bo', identity: { channel: 'telegram', platform_id: '5', display_name: '' } });
    stand.change('user.delete', { id: 'bo' });
    expect(stand.owner.state?.tries.size).toBe(0);
    expect(pair(`/pair ${gone}`, '4')).toContain('no code');
    expect([stand.where(hello('3'), tg), stand.where(hello('4'), tg)]).toEqual(['not_paired', 'not_paired']);
  });

  it('does not let in who is kept out', () => {
    const { stand, pair } = stands();
    pair(`/pair ${stand.code('tg')}`);
    const [pairing] = [...(stand.owner.state?.pairings.values() ?? [])];
    stand.change('pairing.change', { id: pairing?.id ?? '', status: 'denied' });
    expect(pair(`/pair ${stand.code('tg')}`)).toBeNull();
    expect(stand.where(hello('99'), tg)).toBe('not_paired');
  });

  it('can be taken back, and names only what there is', () => {
    const { stand, pair } = stands();
    const code = stand.code('tg');
    const [kept] = [...(stand.owner.state?.codes.values() ?? [])];
    stand.change('code.remove', { id: kept?.id ?? '' });
    expect(pair(`/pair ${code}`)).toContain('no code');
    expect(() => stand.code('tg', { user_id: 'nobody' })).toThrow('not_found');
    expect(() => stand.code('tg', { workspace_id: 'nowhere' })).toThrow('not_found');
  });

  it('has 60 random bits, none of them lost', () => {
    const bytes = Uint8Array.from({ length: 12 }, (_, at) => at * 17);
    expect(codeOf(bytes)).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){2}$/);
    const all = new Set(Array.from({ length: 32 }, (_, at) => codeOf(new Uint8Array(12).fill(at))));
    expect(all.size).toBe(32);
    expect(codeHash('tg', 'o1il-0000')).toBe(codeHash('tg', '0111 0000'));
  });

  it('is refused when too many people try, rather than that a try is not counted', () => {
    const now = 1_000;
    const tries = new Map(
      Array.from({ length: TRIERS_MOST }, (_, at) => [`s${at}`, { count: 1, since: now, locked_until: 0 }] as const),
    );
    const fixed = { ...configuredDirectory(ConfigSchema.parse({}) as Config).fixed };
    const who = { channel: 'tg', channel_type: 'telegram', channel_id: '9', platform_id: '9', display_name: '' };
    const redeem = (at: number) =>
      decideDirectory(
        { ...EMPTY_DIRECTORY, tries },
        { type: 'code.redeem', body: { ...who, hash: codeHash('tg', 'X') } },
        { now: at, uuid: () => 'id', fixed, by: { user_id: 'system', via: '' } },
      );
    expect(redeem(now)).toMatchObject({ ok: true, records: [], body: { outcome: 'locked' } });
    expect(redeem(now + 3_600_000)).toMatchObject({ ok: true, body: { outcome: 'wrong' } });
  });
});
