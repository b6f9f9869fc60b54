// SPDX-License-Identifier: Apache-2.0
// The directory as a fold: from a checkpoint it is what its records add up to, and the map it is kept in is a map.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Directory, EMPTY_DIRECTORY, evolveDirectory, packDirectory } from '../../src/stores/directory.ts';
import type { DirectoryCommand } from '../../src/stores/directory-commands.ts';
import { decideDirectory } from '../../src/stores/directory-decide.ts';
import { type DirectoryRecord, restoreDirectory, storeDirectory } from '../../src/stores/directory-records.ts';
import { Shards } from '../../src/stores/shards.ts';

const id = fc.constantFrom('a', 'b', 'c');
const identity = fc.record({
  channel: fc.constantFrom('irc', 'xmpp'),
  platform_id: fc.constantFrom('1', '2', '__proto__'),
  display_name: fc.constant(''),
});
const role = fc.constantFrom('owner' as const, 'member' as const);
const session_mode = fc.constant(null);
const channel = fc.constant('tg');
const command = fc.oneof(
  fc.record({
    type: fc.constant('user.create' as const),
    body: fc.record({ id, name: fc.string(), role, session_mode, identities: fc.array(identity, { maxLength: 2 }) }),
  }),
  fc.record({ type: fc.constant('user.update' as const), body: fc.record({ id, role }) }),
  fc.record({ type: fc.constant('user.delete' as const), body: fc.record({ id }) }),
  fc.record({ type: fc.constant('user.link' as const), body: fc.record({ id, identity }) }),
  fc.record({
    type: fc.constant('pairing.create' as const),
    body: fc.record({
      ...{ user_id: id, channel, channel_type: channel, channel_id: fc.constantFrom('x', 'y') },
      ...{ workspace_id: fc.constant(''), status: fc.constant('pending' as const) },
    }),
  }),
  fc.record({
    type: fc.constant('token.create' as const),
    body: fc.record({
      ...{ id: fc.constantFrom('t1', 't2'), user_id: id, name: fc.string() },
      ...{ permissions: fc.constant(null), hash: fc.constant('h') },
    }),
  }),
  fc.record({ type: fc.constant('token.revoke' as const), body: fc.record({ id: fc.constantFrom('t1', 't2') }) }),
);

/** Everything there is in it, in an order of its own. */
function shown({ users, identities, pairings, conversations, tokens }: Directory): unknown {
  const sorted = (values: Iterable<unknown>): string[] => [...values].map((value) => JSON.stringify(value)).sort();
  return [users, identities, pairings, conversations, tokens].map((part) => [part.size, sorted(part.values())]);
}

const NONE: ReadonlySet<string> = new Set();
const FIXED = { users: NONE, identities: new Map(), known: NONE, named: NONE, tokens: NONE };

it('does not let somebody go whom a token of the configuration would bring back as more than they were', () => {
  const ada = { id: 'ada', name: '', role: 'guest', session_mode: null, identities: [] } as const;
  const deciding = { now: 1, uuid: () => 'id', by: { user_id: 'x', via: '' } };
  const made = decideDirectory(EMPTY_DIRECTORY, { type: 'user.create', body: ada }, { ...deciding, fixed: FIXED });
  if (!made.ok) throw new Error(made.error.message);
  const state = made.records.reduce((folded, record) => evolveDirectory(folded, record, 1), EMPTY_DIRECTORY);
  const fixed = { ...FIXED, known: new Set(['ada']), named: new Set(['ada']) };
  const remove = { type: 'user.delete', body: { id: 'ada' } } as const;
  expect(decideDirectory(state, remove, { ...deciding, fixed })).toMatchObject({
    ...{ ok: false, error: { code: 'conflict', message: expect.stringContaining('auth.tokens') } },
  });
  expect(decideDirectory(state, remove, { ...deciding, fixed: FIXED }).ok).toBe(true);
});

describe('the directory', () => {
  it('is the same from any checkpoint, and nothing in it points to what is gone', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 20 }), (commands) => {
        let ids = 0;
        let now = 0;
        let state = EMPTY_DIRECTORY;
        let other = EMPTY_DIRECTORY;
        for (const one of commands as DirectoryCommand[]) {
          now += 1;
          const deciding = { now, uuid: () => `p${++ids}`, fixed: FIXED, by: { user_id: 'x', via: '' } };
          const before = shown(state);
          const decision = decideDirectory(state, one, deciding);
          expect(shown(state)).toEqual(before);
          if (!decision.ok) continue;
          for (const record of decision.records) {
            state = evolveDirectory(state, record, now);
            // As the journal gives it back, on a state that was a checkpoint just before.
            const checkpoint: DirectoryRecord = { type: 'checkpoint', state: packDirectory(other) };
            other = evolveDirectory(EMPTY_DIRECTORY, restoreDirectory(storeDirectory(checkpoint)), now);
            other = evolveDirectory(other, restoreDirectory(storeDirectory(record)), now);
          }
          expect(shown(other)).toEqual(shown(state));
          for (const user of state.identities.values()) expect(state.users.has(user)).toBe(true);
          for (const pairing of state.conversations.values()) expect(state.pairings.has(pairing)).toBe(true);
          for (const of of [...state.pairings.values(), ...state.tokens.values()])
            expect(state.users.has(of.user_id)).toBe(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('refuses a record of a newer Sigil', () => {
    const stored = storeDirectory({ type: 'noted', action: 'x' });
    expect(() => restoreDirectory({ ...stored, version: 2 })).toThrow('newer Sigil');
    expect(() => restoreDirectory({ ...stored, type: 'user_renamed' })).toThrow('newer Sigil');
  });
});

it('a map in parts is a map that is never changed', () => {
  const key = fc.oneof(fc.constantFrom('', '__proto__', 'constructor'), fc.string({ maxLength: 2 }));
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.option(fc.nat({ max: 9 }))), { maxLength: 60 }), (steps) => {
      const model = new Map<string, number>();
      let shards = Shards.empty<number>();
      for (const [at, value] of steps) {
        const before = [shards, shards.size, [...shards.values()]] as const;
        if (value === null) model.delete(at);
        else model.set(at, value);
        shards = value === null ? shards.without(at) : shards.with(at, value);
        expect([before[0].size, [...before[0].values()]]).toEqual([before[1], before[2]]);
      }
      expect(shards.size).toBe(model.size);
      expect([...shards.values()].sort()).toEqual([...model.values()].sort());
      for (const [at] of steps) expect([shards.get(at), shards.has(at)]).toEqual([model.get(at), model.has(at)]);
      expect([...Shards.of(model).values()].sort()).toEqual([...model.values()].sort());
    }),
    { numRuns: 1_000 },
  );
});
