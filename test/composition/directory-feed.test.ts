// SPDX-License-Identifier: Apache-2.0
// The table of people from main to a thread: small changes in order, the same value at both ends, and nobody ahead of it.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DirectoryFeed } from '../../src/composition/directory-feed.ts';
import { HeldDirectory } from '../../src/composition/held-directory.ts';
import { type Config, ConfigSchema } from '../../src/config/schema.ts';
import { type Directory, EMPTY_DIRECTORY } from '../../src/stores/directory.ts';
import type { Role, StoredUser } from '../../src/stores/directory-records.ts';
import { packTable, type TableChange } from '../../src/stores/directory-table.ts';

const configOf = (settings: object): Config => ConfigSchema.parse(settings) as Config;
const user = (id: string, role: Role): StoredUser => {
  return { id, name: '', role, session_mode: null, identities: [], created_at: 0, updated_at: 0 };
};
const sorted = (entries: Iterable<readonly [string, unknown]>) => [...entries].sort(([a], [b]) => (a < b ? -1 : 1));

function linked(settings: object) {
  const feed = new DirectoryFeed(configOf(settings));
  const changes: TableChange[] = [];
  const held = new HeldDirectory(structuredClone(feed.packed()), (thrown) => {
    throw thrown;
  });
  feed.onChange((change) => {
    changes.push(change);
    held.apply(structuredClone(change));
  });
  return { feed, held, changes };
}

describe("the directory's table", () => {
  it('is known whole once the journal has been read, and then changes by what has changed', () => {
    const { feed, held, changes } = linked({
      users: [{ id: 'zoe', role: 'admin' }],
      workspaces: { lab: { members: ['bo'] } },
    });
    expect([held.table.whole, held.table.roleOf('zoe'), held.table.roleOf('bo')]).toEqual([false, 'admin', undefined]);
    const many = Array.from({ length: 5_000 }, (_, at) => [`user-${at}`, user(`user-${at}`, 'member')] as const);
    let users = EMPTY_DIRECTORY.users;
    for (const [id, one] of many) users = users.with(id, one);
    const state: Directory = { ...EMPTY_DIRECTORY, users };
    feed.stored(state);
    expect([held.table.whole, held.table.roleOf('user-4999')]).toEqual([true, 'member']);
    const known = { ...state, users: users.with('user-7', user('user-7', 'guest')).without('user-8') };
    feed.stored(known);
    expect(changes.at(-1)).toEqual({
      ...{ kind: 'part', version: 2, paused: false },
      moves: expect.objectContaining({
        ...{ members: [], identities: [], pairings: [] },
        roles: expect.arrayContaining([
          ['user-7', 'guest'],
          ['user-8', null],
        ]),
      }),
    });
    expect([held.table.roleOf('user-7'), held.table.roleOf('user-8')]).toEqual(['guest', undefined]);
    expect(Object.isFrozen(held.table)).toBe(true);
    // A pause is a change of its own, and its end is told to those who wait for it.
    const resumed: number[] = [];
    held.onResumed(() => resumed.push(held.table.version));
    const paused = { by: 'zoe', reason: '', since: 1 };
    feed.stored({ ...known, paused });
    expect([changes.length, held.table.paused, resumed]).toEqual([3, true, []]);
    // A thread that is born meanwhile knows it from the start.
    expect(new HeldDirectory(structuredClone(feed.packed()), () => undefined).table.paused).toBe(true);
    feed.stored(known);
    expect([changes.length, held.table.paused, resumed]).toEqual([4, false, [4]]);
    changes.splice(2);
    // A token was used: nobody is another than before, and nobody is told anything.
    feed.stored({ ...known, users: users.with('user-7', user('user-7', 'guest')).without('user-8') });
    expect(changes).toHaveLength(2);
  });

  it('goes on by a version for what was told before it, and who waits for that finds everybody as before', () => {
    const { feed, held, changes } = linked({ users: [{ id: 'zoe', role: 'admin' }] });
    feed.stored(EMPTY_DIRECTORY);
    const waited: string[] = [];
    const wait = (): void => void waited.push(String(held.table.roleOf('zoe')));
    held.at(feed.table.version + 1, wait, wait);
    expect(waited).toEqual([]);
    feed.step();
    expect(waited).toEqual(['admin']);
    expect(held.table.version).toBe(feed.table.version);
    expect(Object.values((changes.at(-1) as { readonly moves: object }).moves).flat()).toEqual([]);
  });

  it("holds the file's word before the journal's, and who is known from a token alone", () => {
    const tokens = [
      { token: 'a', user_id: 'ops', permissions: ['admin:*'] },
      { token: 'b', user_id: 'bot' },
      { token: 'c', user_id: 'bo', permissions: ['admin:*'] },
    ];
    const { feed, held } = linked({ users: [{ id: 'zoe', role: 'guest' }], auth: { tokens } });
    const users = EMPTY_DIRECTORY.users.with('zoe', user('zoe', 'owner')).with('bo', user('bo', 'guest'));
    feed.stored({ ...EMPTY_DIRECTORY, users });
    const roles = ['owner', 'zoe', 'ops', 'bot', 'bo', 'eve'].map((id) => held.table.roleOf(id));
    expect(roles).toEqual(['owner', 'guest', 'admin', 'member', 'guest', undefined]);
  });

  it('follows another configuration: members, users, and workspaces that are gone', () => {
    const { feed, held } = linked({ users: [{ id: 'zoe' }], workspaces: { lab: { members: ['zoe', 'bo'] }, old: {} } });
    feed.stored(EMPTY_DIRECTORY);
    feed.configured(
      configOf({ users: [{ id: 'bo', role: 'guest' }], workspaces: { lab: { members: ['bo'] }, fresh: {} } }),
    );
    const { table } = held;
    expect([table.roleOf('zoe'), table.roleOf('bo')]).toEqual([undefined, 'guest']);
    expect(sorted(table.parts.members.entries()).map(([id, ids]) => [id, [...(ids as Set<string>)]])).toEqual([
      ['fresh', []],
      ['lab', ['bo']],
    ]);
  });

  it('is the same at both ends after any changes, in one piece or in many', () => {
    const ids = fc.constantFrom('a', 'b', 'c', 'd');
    const role = fc.constantFrom<Role>('owner', 'admin', 'member', 'guest');
    const step = fc.oneof(
      fc.record({ set: fc.tuple(ids, role) }),
      fc.record({ unset: ids }),
      fc.record({
        users: fc.uniqueArray(fc.record({ id: ids, role }), { selector: ({ id }) => id }),
        lab: fc.array(ids),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        const { feed, held } = linked({});
        let state = EMPTY_DIRECTORY;
        feed.stored(state);
        let written: Config['users'] = [];
        for (const one of steps) {
          if ('set' in one) state = { ...state, users: state.users.with(one.set[0], user(...one.set)) };
          else if ('unset' in one) state = { ...state, users: state.users.without(one.unset) };
          else {
            const config = configOf({ users: one.users, workspaces: { lab: { members: one.lab } } });
            written = config.users;
            feed.configured(config);
          }
          feed.stored(state);
        }
        const expected = new Map<string, Role>([['owner', 'owner']]);
        for (const { id, role: of } of state.users.values()) expected.set(id, of);
        for (const { id, role: of } of written) expected.set(id, of);
        expect(sorted(held.table.parts.roles.entries())).toEqual(sorted(expected));
        const [mine, its] = [packTable(feed.table), packTable(held.table)];
        expect({ ...its, roles: sorted(its.roles) }).toEqual({ ...mine, roles: sorted(mine.roles) });
      }),
    );
  });

  it('is not guessed at when a change is missing', () => {
    const { feed, held, changes } = linked({});
    feed.stored(EMPTY_DIRECTORY);
    feed.stored({ ...EMPTY_DIRECTORY, users: EMPTY_DIRECTORY.users.with('a', user('a', 'guest')) });
    const [, last] = changes;
    if (last === undefined) throw new Error('no change');
    expect(() => held.apply(last)).toThrow('is at 2 and was given change 2');
  });

  it('makes whoever knows more wait until it is known here too, in their order', () => {
    const { feed, held } = linked({});
    const told: string[] = [];
    const say = (what: string) => () => void told.push(what);
    held.at(0, say('first'), say('refused'));
    held.at(2, say('later'), say('refused'));
    held.at(1, say('second'), say('refused'));
    expect(told).toEqual([]);
    feed.stored(EMPTY_DIRECTORY);
    expect(told).toEqual(['first', 'second']);
    held.at(1, say('at once'), say('refused'));
    feed.stored({ ...EMPTY_DIRECTORY, users: EMPTY_DIRECTORY.users.with('a', user('a', 'guest')) });
    expect(told).toEqual(['first', 'second', 'at once', 'later']);
    for (let at = 0; at < 10_001; at += 1) held.at(9, say('never'), say('refused'));
    expect(told.slice(4)).toEqual(['refused']);
  });
});
