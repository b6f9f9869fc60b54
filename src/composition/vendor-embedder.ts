// SPDX-License-Identifier: Apache-2.0
// Texts to vectors by a vendor's model: within the budgets, under a permit of its provider, and without secrets.

import { type Address, address } from '../bus/address.ts';
import type { Config } from '../config/schema.ts';
import { type Failure, failure, SigilError, toFailure } from '../errors.ts';
import { embeddingTraits } from '../providers/embedding-models.ts';
import type { Embedded } from '../providers/provider.ts';
import type { WireTap } from '../providers/wire-tap.ts';
import { EMBED_MOST, type VendorEmbedRequest } from '../stores/embedder.ts';
import { asking } from './asking.ts';
import { providerTypes, reachable } from './config-scopes.ts';
import type { ThreadContext } from './context.ts';
import type { EmbeddingUsage } from './embedding-usage.ts';
import type { ModelPrices } from './model-prices.ts';
import type { ProviderLoader } from './provider-loader.ts';
import { permitted } from './vendor-permit.ts';
import { checkVectors, vectorsOf } from './vendor-vectors.ts';

export interface VendorEmbedderOptions {
  readonly context: Pick<ThreadContext, 'bus' | 'world' | 'house' | 'secrets'>;
  readonly self: Address;
  readonly loader: Pick<ProviderLoader, 'load'>;
  readonly prices: ModelPrices;
  readonly usage: EmbeddingUsage;
  readonly tap: WireTap;
}

/** Requests under way at once; past it they are refused. */
const RUNNING_MOST = 256;
/** How long a budget may take to answer, in milliseconds. */
const BUDGET_WITHIN = 10_000;
/** A token is taken to be no shorter, in characters: what is reserved errs to the safe side. */
const CHARACTERS_PER_TOKEN = 2;
/** A budget is asked again after this time at the latest, in milliseconds: what others had reserved may have come free. */
const BUDGET_AGAIN = 5 * 60_000;

/**
 * The promise rejects with the codes of a provider's calls, `budget_exceeded`, `overloaded`, `payload_too_large` or
 * `deadline_exceeded`.
 */
export function vendorEmbedder(options: VendorEmbedderOptions): (request: VendorEmbedRequest) => Promise<Float32Array> {
  const { context, self, loader, prices, usage, tap } = options;
  const { bus, world, house, secrets } = context;
  const { config } = house;
  const types = providerTypes(config);
  const hide = (text: string): string => secrets.redactor.text(text);
  let running = 0;

  const reserve = async (body: Reserving, scopes: readonly string[]): Promise<void> => {
    const reserved: string[] = [];
    try {
      for (const scope of scopes) {
        // Before it is granted: an answer that is late leaves a reservation as well.
        reserved.push(scope);
        await asking(bus, address('budget', scope), 'budget.reserve', body, { from: self, within: BUDGET_WITHIN });
      }
    } catch (thrown) {
      usage.free(body.turn_id, reserved);
      throw new SigilError(overBudget(toFailure(thrown), world.now()));
    }
  };

  const embed = async (texts: readonly string[], request: VendorEmbedRequest): Promise<Embedded> => {
    const { model: full, dimensions, workspace_id, within } = request;
    const slash = full.indexOf('/');
    const [provider, model] = [full.slice(0, slash), full.slice(slash + 1)];
    const type = types.get(provider);
    if (type === undefined) {
      const says = `The embedding model ${full} is not asked: its provider ${provider} is not configured, or is left out.`;
      throw new SigilError(failure('provider_unavailable', says, { provider, for_people: true }));
    }
    const refused = prices.refusal(full, workspace_id);
    if (refused !== undefined) throw new SigilError(refused);
    const tokens = Math.ceil(texts.reduce((sum, { length }) => sum + length, 0) / CHARACTERS_PER_TOKEN);
    const turn_id = world.uuid();
    const scopes = scopesOf(config, workspace_id, prices, full);
    await reserve({ turn_id, call: 1, tokens, cost_usd: costOf(tokens, full, prices) }, scopes);
    const traits = embeddingTraits(type, model);
    const tell = traits?.fewest !== undefined && dimensions !== traits.dimensions;
    const wanted = { texts, model, dimensions, tell };
    const call = { provider, workspace_id, turn_id, model, tokens, within };
    const made = await permitted({ bus, world, self, hide }, call, async (signal) => {
      const loaded = await loader.load(provider);
      const seen = tap.call({ provider, purpose: 'embed', model, turn_id: null });
      const ask = () => vectorsOf(loaded, { ...wanted, signal });
      if (seen === undefined) return await ask();
      try {
        return await seen.within(ask);
      } finally {
        seen.end(signal.aborted ? 'cancelled' : 'ended');
      }
    }).catch((thrown: unknown): never => {
      usage.free(turn_id, scopes);
      throw thrown;
    });
    // What cannot be used is paid for all the same.
    const { inputTokens: input_tokens } = made;
    const cost_usd = costOf(input_tokens, full, prices);
    usage.used({ model: full, workspace_id, turn_id, scopes, input_tokens, cost_usd });
    checkVectors({ name: provider }, wanted, made);
    return made;
  };

  return async (request) => {
    const { dimensions } = request;
    const refused = running >= RUNNING_MOST ? TOO_MUCH_AT_ONCE : tooMuch(request.texts);
    if (refused !== undefined) throw new SigilError(refused);
    running += 1;
    try {
      // Whatever brought a secret into a text, it is not for a vendor.
      const texts = request.texts.map((text) => hide(text).toWellFormed());
      // What says nothing is not sent, for vendors refuse it: its vector is all zero.
      const said = texts.filter((text) => text.trim() !== '');
      const all = new Float32Array(texts.length * dimensions);
      if (said.length === 0) return all;
      const { vectors } = await embed(said, request);
      let next = 0;
      for (const [at, text] of texts.entries()) {
        if (text.trim() === '') continue;
        all.set(vectors[next] ?? [], at * dimensions);
        next += 1;
      }
      return all;
    } finally {
      running -= 1;
    }
  };
}

interface Reserving {
  readonly turn_id: string;
  readonly call: number;
  readonly tokens: number;
  readonly cost_usd: number;
}

const TOO_MUCH_AT_ONCE = failure('overloaded', `${RUNNING_MOST} requests for vectors are under way already`);

function tooMuch(texts: readonly string[]): Failure | undefined {
  const length = texts.reduce((sum, text) => sum + text.length, 0);
  if (texts.length <= EMBED_MOST.texts && length <= EMBED_MOST.length) return undefined;
  const says = `${texts.length} texts of ${length} characters are too much at once; the most is ${EMBED_MOST.texts} and ${EMBED_MOST.length}`;
  return failure('payload_too_large', says);
}

function costOf(tokens: number, model: string, prices: ModelPrices): number {
  return (tokens * (prices.of(model)?.input ?? 0)) / 1_000_000;
}

/** The budgets a call could reach. */
function scopesOf(config: Config, workspace_id: string, prices: ModelPrices, model: string): readonly string[] {
  const price = prices.of(model);
  const priced = price === undefined || price.input > 0;
  const own = config.workspaces[workspace_id]?.budgets;
  return [
    ...(reachable(config.models.budgets, priced) ? ['global'] : []),
    ...(own !== undefined && reachable(own, priced) ? [workspace_id] : []),
  ];
}

/** A refusal of a budget, with how long it is to be left alone, and whether that is one workspace's. @param now epoch milliseconds */
function overBudget(error: Failure, now: number): Failure {
  if (error.code !== 'budget_exceeded') return error;
  const { scope, resets_at } = error.details ?? {};
  const left = typeof resets_at === 'string' ? Date.parse(resets_at) - now : BUDGET_AGAIN;
  const retry_after_ms = Math.min(BUDGET_AGAIN, Math.max(1, left));
  return {
    ...error,
    details: { ...error.details, retry_after_ms, scope: scope === 'global' ? 'global' : 'workspace' },
  };
}
