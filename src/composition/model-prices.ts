// SPDX-License-Identifier: Apache-2.0
// What models cost under the config, and what becomes of a model whose price nobody knows.

import type { Config } from '../config/schema.ts';
import { type Failure, failure } from '../errors.ts';
import { type Price, priceOf } from '../providers/pricing.ts';
import { providerTypes } from './config-scopes.ts';
import { perConfig } from './per-config.ts';

export interface ModelPrices {
  /** The price of `provider/model`; undefined when it is not known. */
  of(model: string): Price | undefined;
  /**
   * Why a model may not be used in a workspace: its price is not known, a budget in USD is set, and
   * `budgets.unknown_price` is `deny`. Undefined when it may.
   */
  refusal(model: string, workspace_id: string): Failure | undefined;
  /** Whether calls of the model in a workspace count nothing against a budget in USD that is set: somebody should know. */
  uncounted(model: string, workspace_id: string): boolean;
}

const NONE: ReadonlyMap<string, Price> = new Map();
/** Models remembered; their names come from people. */
const FOUND_MOST = 1_024;

/** The same as {@link modelPrices}, of whichever configuration is in force when it is asked. */
export function currentPrices(
  house: { readonly config: Config },
  live: () => ReadonlyMap<string, Price> = () => NONE,
): ModelPrices {
  const now = perConfig(house, (config) => modelPrices(config, live));
  return {
    of: (model) => now().of(model),
    refusal: (...asked) => now().refusal(...asked),
    uncounted: (...asked) => now().uncounted(...asked),
  };
}

/** @param live what vendors say of their prices now, by `provider/model`: it comes before the built-in table */
export function modelPrices(config: Config, live: () => ReadonlyMap<string, Price> = () => NONE): ModelPrices {
  const { pricing, budgets } = config.models;
  const types = providerTypes(config);
  /** What was looked up while vendors said the same: it is asked for several times a turn. */
  let found = new Map<string, Price | undefined>();
  let told = live();
  const of = (model: string): Price | undefined => {
    const now = live();
    if (now !== told || found.size >= FOUND_MOST) {
      found = new Map();
      told = now;
    }
    const known = found.get(model);
    if (known !== undefined || found.has(model)) return known;
    const price = lookUp(model);
    found.set(model, price);
    return price;
  };
  const lookUp = (model: string): Price | undefined => {
    if (Object.hasOwn(pricing, model)) return pricing[model];
    const said = told.get(model);
    if (said !== undefined) return said;
    const slash = model.indexOf('/');
    const name = model.slice(0, slash);
    return priceOf(`${types.get(name) ?? name}${model.slice(slash)}`);
  };
  const inUsd = (workspace_id: string): boolean =>
    [budgets, config.workspaces[workspace_id]?.budgets].some(
      (limits) => (limits?.per_hour_usd ?? 0) > 0 || (limits?.per_day_usd ?? 0) > 0,
    );
  return {
    of,
    refusal: (model, workspace_id) => {
      const own = config.workspaces[workspace_id]?.budgets.unknown_price;
      if ((own ?? budgets.unknown_price) !== 'deny' || of(model) !== undefined || !inUsd(workspace_id))
        return undefined;
      const key = own === undefined ? 'models.budgets' : `workspaces.${workspace_id}.budgets`;
      const says =
        `The price of ${model} is not known, and ${key}.unknown_price is deny while there is a budget in USD. ` +
        `Set models.pricing."${model}" to its input and output price, or ${key}.unknown_price to allow.`;
      const details = {
        limit: 'unknown_price',
        model,
        scope: own === undefined ? 'global' : 'workspace',
        for_people: true,
      };
      return failure('budget_exceeded', says, details);
    },
    uncounted: (model, workspace_id) => of(model) === undefined && inUsd(workspace_id),
  };
}
