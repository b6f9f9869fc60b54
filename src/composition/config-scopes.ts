// SPDX-License-Identifier: Apache-2.0
// What of the config has an actor of its own: the providers, and the budgets whose limits a call could reach.

import type { ConfigChange } from '../config/change.ts';
import type { Config } from '../config/schema.ts';
import { builtInModels, defaultModel } from '../providers/registry.ts';
import type { ProviderEntry } from './provider-loader.ts';

/** The providers there are: the built-in one, and those configured. Name to type. */
export function providerTypes(config: Config): ReadonlyMap<string, string> {
  const types = new Map([['sigil', 'sigil']]);
  for (const [name, provider] of Object.entries(config.providers)) types.set(name, provider.type ?? name);
  return types;
}

/** Whether a vendor is configured that tells what its models cost. */
export function listsPrices(config: Config): boolean {
  return [...providerTypes(config).values()].includes('openrouter');
}

/** The providers there are with what is known of their models without asking. */
export function configuredProviders(config: Config) {
  return Array.from(providerTypes(config), ([name, type]) => ({ name, type, models: builtInModels(type, name) }));
}

/** The built-in one waits for nothing, so what it is told of waiting does not matter. */
const BUILT_IN = { type: 'sigil', settings: { name: 'sigil', timeouts: { connect: 0, first_event: 0, gap: 0 } } };

/** What each of them is made of, by name. */
export function providerEntries(config: Config): ReadonlyMap<string, ProviderEntry> {
  const entries = new Map<string, ProviderEntry>([['sigil', BUILT_IN]]);
  for (const [name, { type = name, api_key, endpoint, timeouts }] of Object.entries(config.providers))
    entries.set(name, { type, settings: { name, api_key, endpoint, timeouts } });
  return entries;
}

/** Whether a provider's entry holds a secret that reads the same and leads elsewhere since a change. */
export function renewedProvider({ keys }: Pick<ConfigChange, 'keys'>): (name: string) => boolean {
  const written = new Set(keys);
  return (name) => written.has(`providers.${name}.api_key`);
}

/** The model where nobody names one: that of the first configured provider which has one, else the built-in one. */
export function fallbackModel(config: Config): string {
  if (config.models.default !== '') return config.models.default;
  for (const [name, { type = name }] of Object.entries(config.providers)) {
    const model = defaultModel(type);
    if (model !== undefined) return `${name}/${model}`;
  }
  return 'sigil/offline';
}

/** What the workspaces of the configuration say of tools, by id. */
export function rulesOf(config: Config): Readonly<Record<string, Config['workspaces'][string]['tools']>> {
  return Object.fromEntries(Object.entries(config.workspaces).map(([id, { tools }]) => [id, tools]));
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
