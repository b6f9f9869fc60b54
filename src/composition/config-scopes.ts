// SPDX-License-Identifier: Apache-2.0
// What of the config has an actor of its own: the providers, and the budgets whose limits a call could reach.

import type { Config } from '../config/schema.ts';

/** The providers there are: the built-in one, and those configured. Name to type. */
export function providerTypes(config: Config): ReadonlyMap<string, string> {
  const types = new Map([['sigil', 'sigil']]);
  for (const [name, provider] of Object.entries(config.providers)) types.set(name, provider.type ?? name);
  return types;
}

/** The scopes that have a budget actor: all together, and each workspace with limits of its own. */
export function budgetScopes(config: Config): readonly string[] {
  const own = Object.entries(config.workspaces).filter(([, workspace]) => reachable(workspace.budgets, true));
  return ['global', ...own.map(([id]) => id)];
}

/** The limits of a workspace, or of all together, that a model's calls could reach. */
export function reachable(limits: Limits, priced: boolean): boolean {
  if ((limits.per_hour_tokens ?? 0) > 0 || (limits.per_day_tokens ?? 0) > 0) return true;
  return priced && ((limits.per_hour_usd ?? 0) > 0 || (limits.per_day_usd ?? 0) > 0);
}

interface Limits {
  readonly per_hour_tokens?: number | undefined;
  readonly per_day_tokens?: number | undefined;
  readonly per_hour_usd?: number | undefined;
  readonly per_day_usd?: number | undefined;
}
