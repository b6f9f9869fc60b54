// SPDX-License-Identifier: Apache-2.0
// Who may use which tool: the enforcer's decisions for roles and workspaces, each made once and then looked up.

import { compileRules, type Decision, decideAll, no, type Rules } from './enforcer.ts';
import { barredAs, type People } from './membership.ts';
import { ROLE_RULES, type Role } from './roles.ts';

/** What is decided about of a tool. */
export interface GuardedTool {
  readonly name: string;
  /** What it may do, beyond `tool.<name>`. */
  readonly capabilities: readonly string[];
  /** Whether a workspace that says nothing lets it in. */
  readonly safe?: boolean;
}

/** What a workspace says of tools and of what they need. */
export interface WorkspaceRules {
  /** Unset: the safe tools, and what those need. */
  readonly allow?: readonly string[] | undefined;
  readonly deny: readonly string[];
}

export interface ToolAccess {
  /**
   * Whether a call of a tool may be made in a workspace, for everybody whose messages its turn answers: what one of them may
   * not, none may.
   */
  decide(people: People, user_ids: readonly string[], workspace_id: string, tool: GuardedTool): Decision;
  /** The same for somebody of a role who may enter the workspace. */
  decideFor(role: Role, workspace_id: string, tool: GuardedTool): Decision;
  /** The same for any capability, as if something declared it. */
  explain(role: Role, workspace_id: string, capability: string): Decision;
}

/** Decisions by the tool they are about: a registry's tools are the same objects every time, and others are not kept. */
type Decided = WeakMap<GuardedTool, Decision>;

interface Place {
  readonly rules: Rules;
  readonly decided: Readonly<Record<Role, Decided>>;
}

/**
 * @param tools those there are: what is safe among them is let in where a workspace says nothing
 * @param workspaces what the configuration says, by id; one that is not in it says nothing
 */
export function createToolAccess(
  tools: readonly GuardedTool[],
  workspaces: Readonly<Record<string, WorkspaceRules>>,
): ToolAccess {
  const safe = tools.flatMap((tool) => (tool.safe === true ? needs(tool) : []));
  const place = (id: string | null, { allow, deny }: WorkspaceRules): Place => {
    const name = id === null ? 'the workspace' : `the workspace ${id}`;
    const rules = compileRules(
      allow === undefined ? `${name} (which allows the safe tools)` : name,
      allow?.flatMap(meant) ?? safe,
      deny.flatMap(meant),
    );
    const decided = (): Decided => new WeakMap();
    return { rules, decided: { owner: decided(), admin: decided(), member: decided(), guest: decided() } };
  };
  const places = new Map(Object.entries(workspaces).map(([id, rules]) => [id, place(id, rules)]));
  const elsewhere = place(null, { deny: [] });
  const placeOf = (workspace_id: string): Place => places.get(workspace_id) ?? elsewhere;

  const decideFor = (role: Role, workspace_id: string, tool: GuardedTool): Decision => {
    const { rules, decided } = placeOf(workspace_id);
    const known = decided[role].get(tool);
    if (known !== undefined) return known;
    const decision = decideAll(needs(tool), {
      plugin: compileRules(`the tool ${tool.name}`, needs(tool), []),
      workspace: rules,
      user: ROLE_RULES[role],
    });
    decided[role].set(tool, decision);
    return decision;
  };

  return Object.freeze({
    decideFor,
    decide: (people: People, user_ids: readonly string[], workspace_id: string, tool: GuardedTool): Decision => {
      let decision = NOBODY;
      for (const user_id of user_ids) {
        const role = people.roleOf(user_id);
        const out = barredAs(role, people, user_id, workspace_id);
        if (out !== null || role === undefined) return out ?? NOBODY;
        decision = decideFor(role, workspace_id, tool);
        if (!decision.allowed) return decision;
      }
      return decision;
    },
    explain: (role: Role, workspace_id: string, capability: string): Decision =>
      decideAll([capability], {
        plugin: ANYBODY,
        workspace: placeOf(workspace_id).rules,
        user: ROLE_RULES[role],
      }),
  });
}

const ANYBODY = compileRules('whoever asks', ['*'], []);
const NOBODY = no('user.unknown', 'nobody asked for it.');

/** Every capability a tool needs. */
export function needs({ name, capabilities }: GuardedTool): readonly string[] {
  return [`tool.${name}`, ...capabilities];
}

/** A workspace's rule names a tool as `tool.calculator` or plainly `calculator`: what has no `tool.` before it stands for both. */
function meant(text: string): readonly string[] {
  return text === '*' || text.startsWith('tool.') ? [text] : [text, `tool.${text}`];
}
