// SPDX-License-Identifier: Apache-2.0
// Who may use which tool: roles, workspaces and several senders at once, and the whole matrix as it is printed.

import { describe, expect, it } from 'vitest';
import { matrixLines } from '../../src/cli/capability-matrix.ts';
import { capabilityMatrix } from '../../src/composition/capability-report.ts';
import { enabledTools } from '../../src/composition/enabled-tools.ts';
import { type Config, ConfigSchema } from '../../src/config/schema.ts';
import { halfAllowed } from '../../src/security/access-matrix.ts';
import type { People } from '../../src/security/membership.ts';
import type { Role } from '../../src/security/roles.ts';
import { createToolAccess, type GuardedTool } from '../../src/security/tool-access.ts';

const ROLES: Readonly<Record<string, Role>> = {
  olga: 'owner',
  adam: 'admin',
  mia: 'member',
  gus: 'guest',
  max: 'member',
};
const people: People = {
  roleOf: (id) => ROLES[id],
  membersOf: (id) => (id.startsWith('personal:') ? undefined : new Set(['mia', 'gus'])),
};
const tool = (name: string, capabilities: readonly string[] = [], safe = false): GuardedTool => ({
  name,
  capabilities,
  safe,
});
const clock = tool('clock', [], true);
const search = tool('memory_search', [], true);
const remember = tool('memory_remember', ['memory.remember'], true);
const exec = tool('exec_sandboxed', ['exec.sandboxed']);
const github = tool('mcp.github.search');
const access = createToolAccess([clock, search, remember, exec, github], {
  open: { allow: ['*'], deny: [] },
  lab: { allow: ['tool.*', 'exec.*'], deny: ['clock', 'mcp.*'] },
  named: { allow: ['clock', 'tool.exec_sandboxed'], deny: [] },
  unreadable: { allow: ['*'], deny: ['a..b'] },
});
const may = (user: string | readonly string[], workspace: string, of: GuardedTool): boolean =>
  access.decide(people, typeof user === 'string' ? [user] : user, workspace, of).allowed;

describe('a tool', () => {
  it('is let in by a workspace that says nothing when it is safe, and by its name or as a capability where it is listed', () => {
    const allowed = (workspace: string) =>
      [clock, search, remember, exec, github].filter((of) => may('olga', workspace, of)).map(({ name }) => name);
    expect(allowed('elsewhere')).toEqual(['clock', 'memory_search', 'memory_remember']);
    expect(allowed('open')).toEqual([
      'clock',
      'memory_search',
      'memory_remember',
      'exec_sandboxed',
      'mcp.github.search',
    ]);
    // What it needs is to be listed too, and a plain name that is denied is the tool's.
    expect(allowed('lab')).toEqual(['memory_search', 'exec_sandboxed']);
    expect(allowed('named')).toEqual(['clock']);
    expect(allowed('unreadable')).toEqual([]);
  });

  it('is for whom the role has every capability it needs', () => {
    const allowed = (of: GuardedTool) => ['olga', 'adam', 'mia', 'gus'].filter((user) => may(user, 'open', of));
    expect(allowed(clock)).toEqual(['olga', 'adam', 'mia']);
    expect(allowed(search)).toEqual(['olga', 'adam', 'mia', 'gus']);
    expect(allowed(remember)).toEqual(['olga', 'adam', 'mia']);
    expect(allowed(exec)).toEqual(['olga']);
    expect(access.decide(people, ['adam'], 'open', exec)).toMatchObject({ rule: 'user.denied exec.*' });
    expect(access.decide(people, ['mia'], 'open', exec)).toMatchObject({ rule: 'user.permissions' });
  });

  it('is for nobody who is unknown, or no member; owners and admins enter everywhere, everybody their own', () => {
    expect(may('nobody', 'open', clock)).toBe(false);
    expect(may([], 'open', clock)).toBe(false);
    expect(access.decide(people, ['max'], 'open', clock)).toMatchObject({ allowed: false, rule: 'workspace.members' });
    expect([may('adam', 'open', clock), may('max', 'personal:max', clock)]).toEqual([true, true]);
    expect([may('max', 'personal:mia', clock), may('adam', 'personal:mia', clock)]).toEqual([false, true]);
  });

  it('is for several senders what all of them may', () => {
    expect(may(['mia', 'olga'], 'open', clock)).toBe(true);
    expect(may(['olga', 'gus', 'mia'], 'open', clock)).toBe(false);
    expect(may(['mia', 'nobody'], 'open', clock)).toBe(false);
    expect(access.decide(people, ['olga', 'gus'], 'open', clock).reason).toContain('The role guest');
  });

  it('is decided once for a role and a workspace', () => {
    expect(access.decide(people, ['mia'], 'open', clock)).toBe(
      access.decide(people, ['gus', 'mia'].slice(1), 'open', clock),
    );
    expect(access.decide(people, ['max'], 'personal:max', clock)).toBe(access.decideFor('member', 'elsewhere', clock));
  });

  it('that is listed without what it needs is named', () => {
    const rules = {
      open: { allow: ['*'], deny: [] },
      named: { allow: ['clock', 'exec_sandboxed'], deny: [] },
      rest: { deny: [] },
    };
    const tools = [clock, exec, remember];
    const found = halfAllowed(createToolAccess(tools, rules), tools, rules);
    expect(found).toEqual([{ workspace_id: 'named', tool: 'exec_sandboxed', missing: ['exec.sandboxed'] }]);
  });

  it('that is built in says what it needs, and none that reaches out is safe', () => {
    const outward = /^(?:web_fetch|exec_sandboxed|session_send|mcp\.)/;
    const config = ConfigSchema.parse({ tools: { web_fetch: { enabled: true }, exec_sandboxed: { enabled: true } } });
    const read = () => Promise.reject(new Error('never'));
    const all = enabledTools(config as Config, { pages: () => ({ read }), sandbox: () => read });
    const others = all.filter(({ safe }) => safe !== true).map(({ name }) => name);
    expect(others).toEqual(['session_send', 'web_fetch', 'exec_sandboxed']);
    for (const { name, safe } of all) expect([name, outward.test(name) && safe === true]).toEqual([name, false]);
  });
});

it('the matrix of roles, capabilities and workspaces is this', () => {
  const workspaces = {
    homelab: { tools: { allow: ['tool.*', 'memory.*', 'exec.*'], deny: ['memory_remember'] } },
    halfway: { tools: { allow: ['exec_sandboxed', 'web_fetch'] } },
    library: { tools: { allow: ['memory_search', 'memory_recall', 'calculator'] } },
    shut: { tools: { allow: [] } },
  };
  const tools = { web_fetch: { enabled: true }, exec_sandboxed: { enabled: true } };
  const config = ConfigSchema.parse({ workspaces, tools }) as Config;
  const paint = { dim: (text: string) => text } as never;
  const blocks = capabilityMatrix(config).map((one) => matrixLines(JSON.parse(JSON.stringify(one)), { paint }));
  expect(blocks.map((lines) => lines.join('\n')).join('\n\n')).toMatchSnapshot();
});
