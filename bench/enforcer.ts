// SPDX-License-Identifier: Apache-2.0
// T20: what a decision of the enforcer costs, with everything that is looked up for it, beside one look-up in a bare Map.

import { builtInTools } from '../src/agent/tools/catalogue.ts';
import { createToolAccess } from '../src/security/tool-access.ts';
import type { Role } from '../src/stores/directory-records.ts';
import { NO_MOVES, unpackTable } from '../src/stores/directory-table.ts';
import { alternate, type Measured } from './measured.ts';

const USERS = 10_000;
const WORKSPACES = 100;
/** Of a workspace's own. */
const MEMBERS = 100;
/** Questions asked over and over, and how often in one round: about 50 ms of look-ups. */
const ASKED = 4_096;
const TIMES = 200;

const ROLES: readonly Role[] = ['owner', 'admin', 'member', 'guest'];

/** Nanoseconds of processor time for each of so many runs; whatever else runs takes none of it. */
function each(count: number, run: () => number): number {
  const before = process.cpuUsage();
  if (run() < 0) throw new Error('nothing was counted');
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1_000) / count;
}

/** In nanoseconds each. */
export async function measureT20(rounds = 7): Promise<Measured> {
  const id = (at: number): string => `user-${at % USERS}`;
  const roles = Array.from({ length: USERS }, (_, at) => [id(at), ROLES[at % 4] ?? 'guest'] as const);
  const members = Array.from({ length: WORKSPACES }, (_, at) => {
    return [`lab-${at}`, Array.from({ length: MEMBERS }, (__, by) => id(at * MEMBERS + by))] as const;
  });
  const table = unpackTable({ ...NO_MOVES, version: 1, whole: true, roles, members });
  const tools = builtInTools();
  const rules = { allow: ['tool.*', 'memory.*', 'filesystem.read./data/**'], deny: ['exec.*', 'memory_recall'] };
  const access = createToolAccess(tools, Object.fromEntries(members.map(([workspace_id]) => [workspace_id, rules])));
  const bare = new Map(roles);
  // Half in a workspace of many, half in the asker's own; each text its own, as they come from the journal.
  const asked = Array.from({ length: ASKED }, (_, at) => {
    const by = at * 7;
    const workspace_id = at % 2 === 0 ? `lab-${Math.floor((by % USERS) / MEMBERS)}` : `personal:${id(by)}`;
    return { user_ids: [id(by)], user_id: id(by), workspace_id, tool: tools[at % tools.length] ?? tools[0] };
  });
  const decide = (): number => {
    let allowed = 0;
    for (let time = 0; time < TIMES; time += 1)
      for (const { user_ids, workspace_id, tool } of asked)
        if (tool !== undefined && access.decide(table, user_ids, workspace_id, tool).allowed) allowed += 1;
    return allowed;
  };
  const look = (): number => {
    let found = 0;
    for (let time = 0; time < TIMES; time += 1)
      for (const { user_id } of asked) if (bare.get(user_id) !== 'guest') found += 1;
    return found;
  };
  // Both warm, and both of some use: a decision that is always no would be a cheap one.
  const [yes, all] = [decide(), TIMES * ASKED];
  if (look() === 0 || yes < all / 4 || yes > (all * 3) / 4) throw new Error(`${yes} of ${all} were allowed`);
  return await alternate(
    rounds,
    async () => each(all, decide),
    async () => each(all, look),
  );
}

if (import.meta.main) console.log(await measureT20(Number(process.argv[2] ?? 7)));
