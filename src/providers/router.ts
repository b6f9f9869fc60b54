// SPDX-License-Identifier: Apache-2.0
// Which model answers a turn: the first one named by the request, the session, the workspace or the configuration.

import { type Failure, failure } from '../errors.ts';

/** Names of models as `provider/model`, in order of precedence; empty or absent: nothing named there. */
export interface ModelChoice {
  readonly requested?: string | undefined;
  readonly session?: string | undefined;
  readonly workspace?: string | undefined;
  readonly fallback?: string | undefined;
}

/** A provider that is configured, as far as routing must know it. */
export interface RoutableProvider {
  readonly name: string;
  readonly models: readonly string[];
  /** It takes models that are not in its list, too: an endpoint of one's own, or a list that could not be fetched. */
  readonly any_model?: boolean;
}

export type Route =
  | { readonly ok: true; readonly provider: string; readonly model: string }
  | { readonly ok: false; readonly failure: Failure };

const SHOWN = 20;

function list(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  const rest = names.length - SHOWN;
  return names.slice(0, SHOWN).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

function split(name: string): readonly [string, string] | undefined {
  const slash = name.indexOf('/');
  return slash > 0 && slash < name.length - 1 ? [name.slice(0, slash), name.slice(slash + 1)] : undefined;
}

function nameShown(name: string): string {
  return `"${name.slice(0, 200).toWellFormed()}"`;
}

/**
 * The model that answers, split at the first `/`. A wrong name fails with what exists: as the sender's mistake when the
 * request or the session named it, else as a provider that is not there.
 */
export function routeModel(choice: ModelChoice, providers: readonly RoutableProvider[]): Route {
  const own = choice.requested || choice.session;
  const name = own || choice.workspace || choice.fallback || '';
  const refuse = (message: string): Route => {
    if (!own) return { ok: false, failure: failure('provider_unavailable', message) };
    return { ok: false, failure: failure('validation_failed', message, { errors: [{ path: 'model', message }] }) };
  };
  const everything = (): string =>
    list(providers.flatMap((known) => known.models.map((model) => `${known.name}/${model}`)));
  if (name === '') return refuse(`No model is configured. Known models: ${everything()}.`);
  const parts = split(name);
  if (parts === undefined)
    return refuse(`A model is written "provider/model", not ${nameShown(name)}. Known models: ${everything()}.`);
  const [provider, model] = parts;
  const known = providers.find((candidate) => candidate.name === provider);
  if (known === undefined) {
    return refuse(
      `There is no provider ${nameShown(provider)}. Known providers: ${list(providers.map((one) => one.name))}.`,
    );
  }
  if (known.any_model !== true && !known.models.includes(model)) {
    return refuse(`Provider "${provider}" has no model ${nameShown(model)}. Known models: ${list(known.models)}.`);
  }
  return { ok: true, provider, model };
}
