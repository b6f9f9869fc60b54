// SPDX-License-Identifier: Apache-2.0
// The directory as a fold: from a checkpoint it is what its records add up to, and the map it is kept in is a map.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  DIRECTORY_STREAM,
  type Directory,
  EMPTY_DIRECTORY,
  evolveDirectory,
  identityKey,
  packDirectory,
} from '../../src/stores/directory.ts';
import type { DirectoryCommand } from '../../src/stores/directory-commands.ts';
import { decideDirectory } from '../../src/stores/directory-decide.ts';
import { type DirectoryRecord, restoreDirectory, storeDirectory } from '../../src/stores/directory-records.ts';
import { redactionBefore } from '../../src/stores/erasure.ts';
import { Shards } from '../../src/stores/shards.ts';
import { usualRuns } from '../drawn.ts';

const id = fc.constantFrom('a', 'b', 'c');
const identity = fc.record({
  channel: fc.constantFrom('irc', 'xmpp'),
  platform_id: fc.constantFrom('1', '2', '__proto__'),
  display_name: fc.constant(''),
});
const role = fc.constantFrom('owner' as const, 'member' as const);
const session_mode = fc.constant(null);
const channel = fc.constant('tg');
const workspace_id = fc.constantFrom('', 'lab');
const there = {
  ...{ channel, channel_type: channel, channel_id: fc.constantFrom('x', 'y') },
  ...{ platform_id: fc.constantFrom('1', '2'), display_name: fc.constant('') },
};
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
      ...{ ...there, user_id: fc.constantFrom('', 'a', 'b'), workspace_id },
      status: fc.constantFrom('pending' as const, 'active' as const, 'denied' as const),
    }),
  }),
  fc.record({
    type: fc.constantFrom('guest.register' as const, 'pairing.request' as const),
    body: fc.record({ ...there, workspace_id }),
  }),
  fc.record({
    type: fc.constant('pairing.change' as const),
    body: fc
      .record({
        ...{ id: fc.constantFrom('p1', 'p2', 'p3'), status: fc.constantFrom('active' as const, 'denied' as const) },
        user_id: fc.constantFrom('a', 'b', undefined),
      })
      .map(({ user_id, ...rest }) => (user_id === undefined ? rest : { ...rest, user_id })),
  }),
  fc.record({
    type: fc.constant('pairing.answer' as const),
    body: fc.record({ part: fc.constant(''), decision: fc.constantFrom('approve' as const, 'deny' as const) }),
  }),
  fc.record({ type: fc.constant('pairing.delete' as const), body: fc.record({ id: fc.constantFrom('p1', 'p2') }) }),
  fc.record({
    type: fc.constant('code.create' as const),
    body: fc.record({
      ...{ id: fc.constantFrom('k1', 'k2'), hash: fc.constantFrom('aa', 'bb'), channel, role },
      ...{ workspace_id, user_id: fc.constantFrom('', 'a'), expires_at: fc.integer({ min: 1, max: 20 }) },
    }),
  }),
  fc.record({
    type: fc.constant('code.redeem' as const),
    body: fc.record({ ...there, hash: fc.constantFrom('aa', 'bb', 'cc') }),
  }),
  fc.record({
    type: fc.constantFrom('workspace.create' as const, 'workspace.update' as const),
    body: fc.record({
      ...{ id: fc.constantFrom('lab', 'den'), description: fc.constant(''), members: fc.subarray(['a', 'b']) },
      bindings: fc.subarray([
        { channel: 'tg', channel_id: 'x' },
        { channel: 'tg', channel_id: 'y' },
      ]),
    }),
  }),
  fc.record({ type: fc.constant('workspace.delete' as const), body: fc.record({ id: fc.constant('lab') }) }),
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
function shown(directory: Directory): unknown {
  const { users, identities, pairings, senders, tokens, codes, tries, workspaces, pending, guests } = directory;
  const sorted = (values: Iterable<unknown>): string[] => [...values].map((value) => JSON.stringify(value)).sort();
  const parts = [users, identities, pairings, senders, tokens, codes, tries, workspaces];
  return [pending, guests, ...parts.map((part) => [part.size, sorted(part.values())])];
}

const FIXED = {
  users: new Set<string>(),
  owners: new Set<string>(),
  identities: new Map(),
  known: new Set<string>(),
  named: new Set<string>(),
  tokens: new Set<string>(),
  workspaces: new Set<string>(),
};

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
          const all = [...state.senders.values()].flat();
          expect(new Set(all)).toEqual(new Set(state.pairings.values()));
          expect(state.pending).toBe(all.filter(({ status }) => status === 'pending').length);
          expect(state.guests).toBe(all.filter(({ origin }) => origin === 'open').length);
          for (const { user_id, status } of all)
            expect(user_id === '' ? status !== 'active' : state.users.has(user_id)).toBe(true);
          for (const of of state.tokens.values()) expect(state.users.has(of.user_id)).toBe(true);
          for (const { members } of state.workspaces.values())
            for (const member of members) expect(state.users.has(member)).toBe(true);
        }
      }),
      { numRuns: usualRuns(1_000) },
    );
  });

  it('reads pairings of before they were people’s: of one who is called as the conversation was', () => {
    const before = {
      id: 'p1',
      user_id: 'zoe',
      channel: 'tg',
      channel_type: 'telegram',
      channel_id: '7',
      workspace_id: '',
    };
    const pairing = { ...before, status: 'active', created_at: 1 };
    const payload = JSON.stringify({ type: 'pairing_created', pairing });
    const after = { ...pairing, platform_id: '7', display_name: '', origin: 'made' };
    const read = restoreDirectory({ type: 'pairing_created', version: 1, payload });
    expect(read).toEqual({ type: 'pairing_created', pairing: after });
    const state = { users: [], tokens: [], pairings: [pairing] };
    const checkpoint = { type: 'checkpoint', version: 1, payload: JSON.stringify({ type: 'checkpoint', state }) };
    const folded = evolveDirectory(EMPTY_DIRECTORY, restoreDirectory(checkpoint), 1);
    expect(shown(folded)).toEqual(shown(evolveDirectory(EMPTY_DIRECTORY, read, 1)));
  });

  it('keeps nothing of what somebody tried, once everything about them is erased', () => {
    const identity = { channel: 'telegram', platform_id: 'secret-9', display_name: '' };
    const times = { created_at: 1, updated_at: 1 };
    const user = { id: 'bo', name: '', role: 'member' as const, session_mode: null, identities: [identity], ...times };
    const sender = identityKey(identity);
    const records: DirectoryRecord[] = [
      { type: 'code_tried', sender },
      { type: 'code_removed', id: 'k', sender },
      { type: 'user_created', user },
    ];
    let state = EMPTY_DIRECTORY;
    for (const record of records) state = evolveDirectory(state, record, 1);
    const again = evolveDirectory(state, { type: 'code_tried', sender }, 1);
    const rows = [...records, { type: 'checkpoint' as const, state: packDirectory(again) }].map((record, at) => {
      return { seq: at + 1, at: 1, stream: DIRECTORY_STREAM, workspace_id: '', ...storeDirectory(record) };
    });
    const erasing = storeDirectory({ type: 'user_erasing', id: 'e', user_id: 'bo', workspaces: [] });
    const redaction = redactionBefore(DIRECTORY_STREAM, { ...erasing, seq: 9, at: 2 } as never);
    for (const row of [...rows].reverse()) redaction.notice(row as never);
    const left = rows.map((row) => redaction.redact(row as never) ?? row);
    expect(JSON.stringify(left)).not.toContain('secret-9');
    expect(evolveDirectory(again, { type: 'user_erasing', id: 'e', user_id: 'bo', workspaces: [] }, 2).tries.size).toBe(
      0,
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
    { numRuns: usualRuns(1_000) },
  );
});
