// SPDX-License-Identifier: Apache-2.0
// Strangers, guests and members in a group, by every door: what each may use, read, change and allow there.

import { describe, expect, it } from 'vitest';
import { refusedSender } from '../../../src/actors/refused-sender.ts';
import type { SessionCommand } from '../../../src/actors/session/protocol.ts';
import { createToolAccess } from '../../../src/security/tool-access.ts';
import { door, inbound, PeopleStand } from './people-stand.ts';

const SETTINGS = {
  users: [
    { id: 'olga', role: 'owner', identities: [{ channel: 'telegram', platform_id: '1' }] },
    { id: 'mia', identities: [{ channel: 'telegram', platform_id: '2' }] },
    { id: 'gus', role: 'guest', identities: [{ channel: 'telegram', platform_id: '3' }] },
    { id: 'max', identities: [{ channel: 'telegram', platform_id: '4' }] },
  ],
  workspaces: {
    family: { members: ['mia', 'gus'], bindings: [{ channel: 'tg', channel_id: '-5' }] },
    lab: { members: ['max'], bindings: [{ channel: 'tg', channel_id: '-6' }] },
  },
};
const CLOCK = { name: 'clock', capabilities: [], safe: true };
const SEARCH = { name: 'memory_search', capabilities: ['memory.read'], safe: true };
const SHELL = { name: 'exec_sandboxed', capabilities: ['exec.sandboxed'] };

const inGroup = (text: string, from: string, channelId = '-5') =>
  inbound(text, { channelId, direct: false, mentionsAgent: true }, from);

describe('in a group', () => {
  const open = door('tg', { pairing: 'open' });
  const stand = new PeopleStand(SETTINGS);
  const house = stand.house(open);
  stand.commanded = (asked: SessionCommand) => {
    if (asked.what.do === 'answer')
      return { did: 'answer', status: asked.all || asked.by === 'mia' ? 'taken' : 'not_yours', tool: 'exec', ids: [] };
    return { did: 'stop', status: asked.all || asked.by === 'mia' ? 'stopping' : 'not_yours' };
  };
  const strangers = stand.send(inGroup('hello', '99'), open, house);
  const stranger = typeof strangers === 'object' && strangers?.kind === 'deliver' ? strangers.admitted.user_id : '';
  const access = createToolAccess([CLOCK, SEARCH, SHELL], {
    family: { allow: ['clock', 'memory_search', 'memory.*', 'exec_sandboxed', 'exec.sandboxed'], deny: [] },
    lab: { allow: ['*'], deny: [] },
  });
  const may = (user_id: string, workspace_id: string, tool: typeof SHELL): boolean =>
    access.decide(stand.held.table, [user_id], workspace_id, tool).allowed;

  it.each([
    // Who, tool, in the group's workspace, in another one.
    ['olga', SHELL, true, true],
    ['mia', CLOCK, true, false],
    ['mia', SEARCH, true, false],
    ['mia', SHELL, false, false],
    ['gus', CLOCK, false, false],
    ['gus', SHELL, false, false],
    ['max', CLOCK, false, true],
    ['a stranger', CLOCK, false, false],
    ['a stranger', SHELL, false, false],
    ['nobody', CLOCK, false, false],
  ] as const)('%s uses a tool as they may, whoever opened its session', (who, tool, here, elsewhere) => {
    const user_id = who === 'a stranger' ? stranger : who;
    expect([may(user_id, 'family', tool), may(user_id, 'lab', tool)]).toEqual([here, elsewhere]);
  });

  it('a stranger reads no memory but that of where they were let in, and writes nowhere else', () => {
    const table = stand.held.table;
    const memory = { name: 'memory_search', capabilities: [] };
    const read = (workspace_id: string): boolean => access.decide(table, [stranger], workspace_id, memory).allowed;
    expect([read('family'), read('lab'), read('personal:mia')]).toEqual([true, false, false]);
    const refused = ['family', 'lab', 'personal:mia', `personal:${stranger}`].map(
      (workspace_id) => refusedSender(table, stranger, workspace_id, false)?.code,
    );
    expect(refused).toEqual([undefined, 'not_a_member', 'not_a_member', undefined]);
    // Once they are kept out, nothing of it is left.
    const live = new PeopleStand(SETTINGS);
    const came = live.send(inGroup('hello', '99'), open);
    const id = typeof came === 'object' && came?.kind === 'deliver' ? came.admitted.user_id : '';
    for (const pairing of live.owner.state?.pairings.values() ?? [])
      live.change('pairing.change', { id: pairing.id, status: 'denied' });
    expect(refusedSender(live.held.table, id, 'family', false)?.code).toBe('not_a_member');
    expect(live.where(inGroup('hello', '99'), open)).toBe('not_paired');
  });

  it.each([
    ['1', '/approve', 'exec is allowed.'],
    ['2', '/approve', 'exec is allowed.'],
    ['3', '/approve', 'A guest approves nothing; an owner or admin does.'],
    ['99', '/approve', 'A guest approves nothing; an owner or admin does.'],
    ['99', '/deny', 'A guest approves nothing; an owner or admin does.'],
    ['4', '/approve', 'The user max is not a member of workspace family.'],
    ['99', '/new', 'A guest cannot begin this conversation anew for everybody.'],
    ['99', '/model sigil/offline', 'A guest cannot choose the model.'],
    ['99', '/stop', 'That answers somebody else; they or an admin can stop it.'],
    ['2', '/stop', 'Stopping.'],
  ])('%s says %s', (from, text, says) => {
    expect(stand.send(inGroup(text, from), open, house)).toBe(says);
  });

  it('a command is for whoever it names, and costs a stranger’s channel nothing', () => {
    const quiet = door('tg', { pairing: 'pair_with_code' });
    for (const text of ['/help', '/approve', '/new', '/status', '/model x/y'])
      expect(stand.send(inGroup(text, '77'), quiet)).toBeNull();
    expect(stand.send(inbound('/help', { channelId: '-5', direct: false, mentionsAgent: false }, '2'), open)).toEqual({
      ...{ kind: 'ignore', reason: 'not_addressed' },
    });
    const help = stand.send(inGroup('/help@agent', '99'), open, house);
    expect(help).toContain('/status');
    expect(help).not.toContain('/approve');
  });
});
