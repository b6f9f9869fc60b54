// SPDX-License-Identifier: Apache-2.0
// The enforcer: what a plugin asks for, a workspace lets in and a person may, less what either takes back. Pure; no is the default.

import { type Capability, covers, type Pattern, parseCapability, parsePattern } from './capability.ts';

/** The answer to whether something may be done. */
export interface Decision {
  readonly allowed: boolean;
  /** One sentence, with ids and names of capabilities in it, and nothing anybody said. */
  readonly reason: string;
  /** What decided: `workspace.denied exec.*`, `user.permissions`; for a yes what let it through at each of the three. */
  readonly rule: string;
}

/** Patterns of one party, compiled. */
export interface Rules {
  /** Whose they are, as a reason names them: `the workspace homelab`. */
  readonly name: string;
  readonly allow: readonly Pattern[];
  readonly deny: readonly Pattern[];
  /** A pattern of what is taken back that nobody can read: everything is, for it may have meant anything. */
  readonly broken: string | null;
}

/** The three who must agree. */
export interface Parties {
  readonly plugin: Rules;
  readonly workspace: Rules;
  readonly user: Rules;
}

/** Compiles a party's patterns. What is malformed lets nothing through, and takes everything back. */
export function compileRules(name: string, allow: readonly string[], deny: readonly string[]): Rules {
  const parsed = (texts: readonly string[]): readonly Pattern[] =>
    Object.freeze(texts.map(parsePattern).filter((pattern) => pattern !== null));
  const broken = deny.find((text) => parsePattern(text) === null) ?? null;
  return Object.freeze({ name, allow: parsed(allow), deny: parsed(deny), broken });
}

/**
 * `plugin.declared ∩ workspace.allow ∩ user.permissions − plugin.denied − workspace.denied`, for one capability by its name. A
 * role may take back of what it gives, so a user's rules are looked at like the others'.
 */
export function decide(name: string, { plugin, workspace, user }: Parties): Decision {
  const capability = parseCapability(name);
  if (capability === null) return no('malformed', `${shown(name)} is no name of a capability.`);
  const declared = first(plugin.allow, capability);
  if (declared === undefined) return no('plugin.declared', `${plugin.name} does not declare ${name}.`);
  const parties = [
    ['plugin', plugin],
    ['workspace', workspace],
    ['user', user],
  ] as const;
  for (const [party, rules] of parties) {
    const { broken } = rules;
    if (broken !== null)
      return no(
        `${party}.denied`,
        `${rules.name} denies ${shown(broken)}, which cannot be read: so it denies everything.`,
      );
    const denied = first(rules.deny, capability);
    if (denied !== undefined) return no(`${party}.denied ${denied}`, `${rules.name} denies ${denied}, and so ${name}.`);
  }
  const let_in = first(workspace.allow, capability);
  if (let_in === undefined) return no('workspace.allow', `${workspace.name} does not allow ${name}.`);
  const may = first(user.allow, capability);
  if (may === undefined) return no('user.permissions', `${user.name} has no permission for ${name}.`);
  const rule = `plugin.declared ${declared}, workspace.allow ${let_in}, user.permissions ${may}`;
  const reason = `${plugin.name} declares ${name}, ${workspace.name} allows it and ${user.name} has the permission.`;
  return Object.freeze({ allowed: true, reason: sentence(reason), rule });
}

/** Several capabilities that are needed together: the first that is denied decides, none is not enough. */
export function decideAll(names: readonly string[], parties: Parties): Decision {
  const decisions = names.map((name) => decide(name, parties));
  const [decision = no('malformed', 'Nothing was asked for.')] = decisions;
  return decisions.find(({ allowed }) => !allowed) ?? decision;
}

/** A no. */
export function no(rule: string, reason: string): Decision {
  return Object.freeze({ allowed: false, reason: sentence(reason), rule });
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function first(patterns: readonly Pattern[], capability: Capability): string | undefined {
  return patterns.find((pattern) => covers(pattern, capability))?.text;
}

/** A text that may hold anything, as a reason shows it. */
function shown(text: string): string {
  return JSON.stringify(text.length > SHOWN ? `${text.slice(0, SHOWN).toWellFormed()}…` : text.toWellFormed());
}

const SHOWN = 100;
