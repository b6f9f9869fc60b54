// SPDX-License-Identifier: Apache-2.0
// Who is let in where: the routing table of the plan with its refinements, the kinds of channels, and a plain model of both.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PairingMode } from '../../../src/actors/channel/admission.ts';
import { sessionOf } from '../../../src/actors/channel/session-of.ts';
import type { Role } from '../../../src/stores/directory-records.ts';
import { door, inbound, PeopleStand } from './people-stand.ts';

const SEED = {
  users: [
    { id: 'sean', role: 'owner', identities: [{ channel: 'telegram', platform_id: '1' }] },
    {
      id: 'wife',
      identities: [
        { channel: 'telegram', platform_id: '2' },
        { channel: 'whatsapp', platform_id: '+15551234567' },
      ],
    },
    { id: 'kid', session_mode: 'per_channel', identities: [{ channel: 'telegram', platform_id: '3' }] },
  ],
  workspaces: {
    homelab: { members: ['sean'], bindings: [{ channel: 'tg', channel_id: '-100123' }] },
    family: { members: ['sean', 'wife'], bindings: [{ channel: 'tg', channel_id: '-100789' }] },
  },
};

const group = (channelId: string) => ({ channelId, direct: false, mentionsAgent: true });

describe('routing', () => {
  const stand = new PeopleStand(SEED);
  const tg = door('tg');
  const other = door('tg-work');
  const wa = door('wa', { type: 'whatsapp' });
  it.each([
    ['bound to homelab, its member', '1', group('-100123'), tg, 'sean in homelab'],
    ['bound to family, its member', '2', group('-100789'), tg, 'wife in family'],
    ['bound to homelab, no member', '2', group('-100123'), tg, 'not_a_member'],
    ['bound to family, no member', '3', group('-100789'), tg, 'not_a_member'],
    ['not bound: everybody has their own', '2', group('-999999'), tg, 'wife in personal:wife'],
    ['a direct conversation', '2', {}, tg, 'wife in personal:wife'],
    ['bound on another instance', '2', group('-100789'), other, 'wife in personal:wife'],
    ['the same person on another platform', '+15551234567', {}, wa, 'wife in personal:wife'],
    ['an id of another platform', '2', {}, wa, 'request_pairing'],
    ['nobody knows them', '99', {}, tg, 'request_pairing'],
    ['nobody knows them, where it is bound', '99', group('-100123'), tg, 'request_pairing'],
    ['not for the agent', '1', { ...group('-100123'), mentionsAgent: false }, tg, 'ignore'],
    [
      'an answer in a group that is always answered',
      '1',
      { ...group('-100123'), mentionsAgent: false },
      door('tg', { respond: 'always' }),
      'sean in homelab',
    ],
  ] as const)('%s', (_, from, more, of, expected) => {
    expect(stand.where(inbound('hello', more, from), of)).toBe(expected);
  });

  it('finds one session for all direct conversations of a person, or one for each channel', () => {
    const session = (from: string, more: object, of = tg): string => {
      const admission = stand.admit(inbound('hello', more, from), of);
      return admission.kind === 'deliver' ? admission.placed.session_id : admission.kind;
    };
    const own = session('2', {});
    expect(own).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect([session('+15551234567', {}, wa), session('2', {}, other), session('2', { threadId: 't' })]).toEqual([
      own,
      own,
      own,
    ]);
    // Apart where they want it, and no group is ever one of theirs.
    expect(new Set([session('3', {}), session('3', {}, other), session('2', group('x')), own]).size).toBe(4);
    // A group is one for all in it, each thread one of its own.
    expect(session('1', group('-100789'))).toBe(session('2', group('-100789')));
    expect(session('1', { ...group('-100789'), threadId: '7' })).not.toBe(session('1', group('-100789')));
    expect(session('2', group('-9'))).not.toBe(session('1', group('-9')));
  });

  it('follows changes of the directory with the next message', () => {
    const live = new PeopleStand(SEED);
    live.change('user.create', { id: 'bo', name: '', role: 'member', session_mode: null, identities: [] });
    live.change('workspace.create', {
      ...{ id: 'den', description: '', members: ['bo'] },
      bindings: [{ channel: 'tg', channel_id: '-5' }],
    });
    const said = inbound('hello', group('-5'), '50');
    expect(live.where(said, tg)).toBe('request_pairing');
    const identity = { channel: 'telegram', platform_id: '50', display_name: '' };
    live.change('user.link', { id: 'bo', identity });
    expect(live.where(said, tg)).toBe('bo in den');
    live.change('workspace.update', { id: 'den', members: [] });
    expect(live.where(said, tg)).toBe('not_a_member');
    live.change('workspace.delete', { id: 'den' });
    expect(live.where(said, tg)).toBe('bo in personal:bo');
    expect(() => live.change('workspace.create', { id: 'den', description: '', members: [], bindings: [] })).toThrow(
      'kept',
    );
    live.change('user.unlink', { id: 'bo', channel: 'telegram', platform_id: '50' });
    expect(live.where(said, tg)).toBe('request_pairing');
  });

  it('loses no conversation key to what its parts hold', () => {
    const place = { workspace_id: 'w', user_id: 'u', direct: false, session_mode: 'unified' as const };
    const ids = [
      sessionOf({ ...place, channel: 'a', channel_id: 'b', thread_id: '' }),
      sessionOf({ ...place, channel: 'a', channel_id: '', thread_id: 'b' }),
      sessionOf({ ...place, channel: 'ab', channel_id: '', thread_id: '' }),
    ];
    expect(new Set(ids).size).toBe(3);
  });
});

describe('a channel', () => {
  const hello = inbound('hello', {}, '99');

  it('that is open makes a guest of whoever writes, in its binding or their own workspace', () => {
    const stand = new PeopleStand(SEED);
    const open = door('tg', { pairing: 'open' });
    expect(stand.send(hello, open)).toMatchObject({ kind: 'deliver', admitted: { role: 'guest' } });
    const [guest] = [...(stand.owner.state?.users.values() ?? [])];
    expect(stand.where(hello, open)).toBe(`${guest?.id} in personal:${guest?.id}`);
    const there = inbound('hello', group('-100789'), '99');
    expect(stand.send(there, open)).toMatchObject({
      kind: 'deliver',
      admitted: { workspace_id: 'family', user_id: guest?.id },
    });
    expect(stand.held.table.isPaired(guest?.id ?? '', 'family')).toBe(true);
    expect(stand.held.table.isPaired(guest?.id ?? '', 'homelab')).toBe(false);
    // Whom somebody knows is a member or is not.
    expect(stand.where(inbound('hello', group('-100789'), '3'), open)).toBe('not_a_member');
    // What an open channel let in is worth nothing where it is not open any more, nor on another one.
    expect(stand.where(hello, door('tg'))).toBe('request_pairing');
    expect(stand.where(hello, door('tg', { pairing: 'pair_with_code' }))).toBe('not_paired');
    expect(stand.where(hello, door('tg', { pairing: 'closed' }))).toBe('not_paired');
    // One who is kept out stays out, also here.
    const all = [...(stand.owner.state?.pairings.values() ?? [])];
    const id = all.find(({ workspace_id }) => workspace_id === '')?.id ?? '';
    stand.change('pairing.change', { id, status: 'denied' });
    expect(stand.where(hello, open)).toBe('not_paired');
  });

  it('that is closed takes owners only', () => {
    const stand = new PeopleStand(SEED);
    const closed = door('tg', { pairing: 'closed' });
    const seen = ['1', '2', '99'].map((from) => stand.where(inbound('hello', {}, from), closed));
    expect(seen).toEqual(['sean in personal:sean', 'not_paired', 'not_paired']);
  });

  it('that has a list takes who is on it', () => {
    const stand = new PeopleStand(SEED);
    const listed = door('tg', { pairing: 'allowlist', allowlist: ['2', '7*', '*@example.org'] });
    const seen = ['2', '3', '77', '7', '17', 'a@example.org', 'a@example.org.evil'].map((from) =>
      stand.where(inbound('hello', {}, from), listed),
    );
    const guest = 'register_guest';
    expect(seen).toEqual(['wife in personal:wife', 'not_paired', guest, guest, 'not_paired', guest, 'not_paired']);
  });

  it('that takes requests tells once that one was sent, and lets in whom an owner lets in: there, and in that workspace', () => {
    const stand = new PeopleStand(SEED);
    const tg = door('tg');
    const house = stand.house(tg);
    // An owner has written before: that is where they are told.
    stand.send(inbound('/help', {}, '1'), tg, house);
    expect(stand.send(hello, tg, house)).toContain('request was sent');
    expect(stand.notices).toHaveLength(1);
    expect(stand.notices[0]?.[0]).toEqual({ user_id: 'sean', channel: 'tg', channel_id: '1' });
    expect(stand.send(hello, tg, house)).toEqual({ kind: 'ignore', reason: 'already_asked' });
    const said = /\/approve ([0-9a-f]+)/.exec(stand.notices[0]?.[1] ?? '')?.[0] ?? '';
    stand.commanded = () => ({ did: 'answer', status: 'none', tool: '', ids: [] });
    expect(stand.send(inbound(said, {}, '2'), tg, house)).toContain('Nothing waits');
    expect(stand.send(inbound(said, {}, '1'), tg, house)).toContain('is let in');
    expect(stand.where(hello, tg)).toMatch(/^telegram-\w+ in personal:telegram-/);
    // Not by another channel of the platform, and not where others have their workspace.
    expect(stand.where(hello, door('tg-work'))).toBe('request_pairing');
    expect(stand.where(inbound('hello', group('-100789'), '99'), tg)).toBe('request_pairing');
  });

  it('tells who is kept out nothing, or one sentence an hour', () => {
    const stand = new PeopleStand(SEED);
    const silent = door('tg', { pairing: 'closed' });
    expect(stand.send(hello, silent)).toBeNull();
    const says = door('tg', { pairing: 'closed', denied_reply: 'This is private.' });
    const house = stand.house(says);
    const seen = [0, 1, 3_599_000, 2_000].map((wait) => {
      stand.clock.advance(wait);
      return stand.send(hello, says, house);
    });
    expect(seen).toEqual(['This is private.', null, null, 'This is private.']);
  });

  it('puts who has a pairing that names a workspace there, when nothing else is said of the conversation', () => {
    const stand = new PeopleStand(SEED);
    const tg = door('tg');
    stand.send(inbound(`/pair ${stand.code('tg', { workspace_id: 'family' })}`, {}, '99'), tg);
    expect(stand.where(hello, tg)).toMatch(/ in family$/);
    expect(stand.where(inbound('hello', group('-100123'), '99'), tg)).toBe('request_pairing');
  });

  it('lets nobody in by a pairing of whom they no longer are', () => {
    const stand = new PeopleStand(SEED);
    const open = door('tg', { pairing: 'open' });
    const there = inbound('hello', group('-100789'), '99');
    stand.send(there, open);
    const [guest] = [...(stand.owner.state?.users.values() ?? [])];
    stand.change('user.unlink', { id: guest?.id ?? '', channel: 'telegram', platform_id: '99' });
    stand.change('user.create', { id: 'bo', name: '', role: 'member', session_mode: null, identities: [] });
    stand.change('user.link', { id: 'bo', identity: { channel: 'telegram', platform_id: '99', display_name: '' } });
    expect(stand.where(there, open)).toBe('not_a_member');
    expect(stand.where(hello, open)).toBe('bo in personal:bo');
  });

  it('looks at no id that is none', () => {
    const stand = new PeopleStand(SEED);
    const open = door('tg', { pairing: 'open' });
    for (const bad of ['', 'a\0b', 'x'.repeat(501)])
      expect(stand.where(inbound('hi', {}, bad), open)).toBe('not_paired');
  });
});

/** What a person would say of the rules, by looking through lists: may this sender write here at all, and as whom. */
interface Model {
  readonly users: ReadonlyMap<string, Role>;
  readonly known: ReadonlyMap<string, string>;
  readonly pairings: readonly {
    readonly channel: string;
    readonly platform_id: string;
    readonly workspace_id: string;
    readonly user_id: string;
    readonly status: string;
    readonly origin: string;
  }[];
  readonly members: ReadonlyMap<string, readonly string[]>;
}

function modelAllows(
  model: Model,
  mode: PairingMode,
  listed: boolean,
  from: string,
  channel: string,
  bound: string,
  as: string,
  workspace_id: string,
): boolean {
  const role = model.users.get(as);
  if (role === undefined) return false;
  const vouched = model.known.get(from) === as;
  const own = model.pairings.filter(
    (one) => one.channel === channel && one.platform_id === from && one.status === 'active' && one.user_id === as,
  );
  const here = own.filter(
    (one) => one.workspace_id === (bound === '' ? '' : bound) || (bound === '' && one.workspace_id === workspace_id),
  );
  const looked = here.some(({ origin }) => origin !== 'open');
  const owner = role === 'owner' && (vouched || looked);
  if (!vouched && here.length === 0) return false;
  if (mode === 'closed' && !owner) return false;
  if (mode === 'allowlist' && !owner && !listed) return false;
  if ((mode === 'pair_on_request' || mode === 'pair_with_code') && !owner && !vouched && !looked) return false;
  if (workspace_id === `personal:${as}`) return bound === '';
  if (bound !== '' && workspace_id !== bound) return false;
  if (here.some((one) => one.workspace_id === workspace_id)) return true;
  return role === 'owner' || role === 'admin' || model.members.get(workspace_id)?.includes(as) === true;
}

describe('whatever is in the directory', () => {
  it('nobody is let in whom a plain reading keeps out', () => {
    const sender = fc.constantFrom('s1', 's2', 's3');
    const workspace = fc.constantFrom('', 'lab', 'den');
    const step = fc.oneof(
      fc.record({ do: fc.constant('request' as const), sender, channel: fc.constantFrom('a', 'b'), workspace }),
      fc.record({ do: fc.constant('guest' as const), sender, channel: fc.constantFrom('a', 'b'), workspace }),
      fc.record({ do: fc.constant('link' as const), sender, user: fc.constantFrom('ann', 'bo', 'olga') }),
      fc.record({ do: fc.constant('unlink' as const), sender, user: fc.constantFrom('ann', 'bo', 'olga') }),
      fc.record({ do: fc.constant('decide' as const), at: fc.nat({ max: 5 }), yes: fc.boolean() }),
      fc.record({ do: fc.constant('drop' as const), at: fc.nat({ max: 5 }) }),
      fc.record({
        do: fc.constant('members' as const),
        of: fc.constantFrom('lab', 'den'),
        to: fc.subarray(['ann', 'bo']),
      }),
      fc.record({ do: fc.constant('user' as const), user: fc.constantFrom('ann', 'bo', 'olga'), gone: fc.boolean() }),
    );
    const mode = fc.constantFrom<PairingMode>('open', 'closed', 'allowlist', 'pair_on_request', 'pair_with_code');
    let let_in = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 3, maxLength: 14 }), mode, fc.boolean(), (steps, pairing, listed) => {
        const stand = new PeopleStand({});
        const attempt = (run: () => unknown): void => {
          try {
            run();
          } catch (thrown) {
            if (!/^(conflict|not_found|validation_failed)/.test((thrown as Error).message)) throw thrown;
          }
        };
        const make = (id: string): unknown =>
          stand.change('user.create', {
            id,
            name: '',
            role: id === 'olga' ? 'owner' : 'member',
            session_mode: null,
            identities: [],
          });
        for (const id of ['ann', 'bo', 'olga']) make(id);
        for (const id of ['lab', 'den'])
          stand.change('workspace.create', {
            id,
            description: '',
            members: [],
            bindings: [{ channel: 'a', channel_id: id }],
          });
        const there = (from: string, channel: string, workspace_id: string) => ({
          ...{ channel, channel_type: 'telegram', channel_id: from, platform_id: from, display_name: '', workspace_id },
        });
        for (const one of steps) {
          const ids = [...(stand.owner.state?.pairings.values() ?? [])].map(({ id }) => id).sort();
          switch (one.do) {
            case 'request':
              attempt(() => stand.change('pairing.request', there(one.sender, one.channel, one.workspace)));
              break;
            case 'guest':
              attempt(() => stand.change('guest.register', there(one.sender, one.channel, one.workspace)));
              break;
            case 'link': {
              const identity = { channel: 'telegram', platform_id: one.sender, display_name: '' };
              attempt(() => stand.change('user.link', { id: one.user, identity }));
              break;
            }
            case 'unlink':
              attempt(() =>
                stand.change('user.unlink', { id: one.user, channel: 'telegram', platform_id: one.sender }),
              );
              break;
            case 'decide':
              attempt(() =>
                stand.change('pairing.change', { id: ids[one.at] ?? 'none', status: one.yes ? 'active' : 'denied' }),
              );
              break;
            case 'drop':
              attempt(() => stand.change('pairing.delete', { id: ids[one.at] ?? 'none' }));
              break;
            case 'members':
              attempt(() => stand.change('workspace.update', { id: one.of, members: one.to }));
              break;
            default:
              attempt(() => (one.gone ? stand.change('user.delete', { id: one.user }) : make(one.user)));
          }
        }
        const state = stand.owner.state;
        if (state === null) throw new Error('it is not read');
        const users = [...state.users.values()];
        const model: Model = {
          users: new Map<string, Role>([...users.map(({ id, role }) => [id, role] as const), ['owner', 'owner']]),
          known: new Map(
            users.flatMap(({ id, identities }) =>
              identities.flatMap((one) => (one.by_pairing === true ? [] : [[one.platform_id, id] as const])),
            ),
          ),
          pairings: [...state.pairings.values()],
          members: new Map([...state.workspaces.values()].map(({ id, members }) => [id, members])),
        };
        for (const from of ['s1', 's2', 's3'])
          for (const channel of ['a', 'b'])
            for (const channelId of [from, 'lab', 'den']) {
              const of = door(channel, { pairing, allowlist: listed ? ['s*'] : [] });
              const admission = stand.admit(
                inbound('hello', { channelId, direct: channelId === from, mentionsAgent: true }, from),
                of,
              );
              if (admission.kind !== 'deliver') continue;
              let_in += 1;
              const bound = channel === 'a' && channelId !== from ? channelId : '';
              const { user_id, workspace_id } = admission.admitted;
              const shown = JSON.stringify({
                from,
                channel,
                channelId,
                pairing,
                listed,
                user_id,
                workspace_id,
                model: model.pairings,
              });
              expect(modelAllows(model, pairing, listed, from, channel, bound, user_id, workspace_id), shown).toBe(
                true,
              );
            }
        // What a thread was told in pieces is what it would be told in one.
        const again = new PeopleStand({}, stand.rows);
        for (const from of ['s1', 's2', 's3'])
          for (const channel of ['a', 'b'])
            expect(again.where(inbound('hello', {}, from), door(channel, { pairing }))).toBe(
              stand.where(inbound('hello', {}, from), door(channel, { pairing })),
            );
      }),
      { numRuns: 300 },
    );
    expect(let_in).toBeGreaterThan(300);
  });
});
