// SPDX-License-Identifier: Apache-2.0
// Texts to vectors by a vendor's model: within the budgets, under a permit of its provider, and without secrets.

import type { EmbedCall, ThreadProtocol } from '../actors/thread/protocol.ts';
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
import { perConfig } from './per-config.ts';
import type { ProviderLoader } from './provider-loader.ts';
import { permitted } from './vendor-permit.ts';
import { checkVectors, vectorsOf } from './vendor-vectors.ts';

export interface VendorEmbedderOptions {
  readonly context: Pick<ThreadContext, 'bus' | 'world' | 'house' | 'secrets'>;
  readonly self: Address;
  readonly loader: Pick<ProviderLoader, 'load' | 'hold'>;
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
  return embedders(options).forStores;
}

/** The same calls for somebody who wants the vectors themselves, as long as they are or as they ask for them. */
export function askedEmbedder(options: VendorEmbedderOptions): (asked: EmbedCall) => Promise<AskedVectors> {
  return embedders(options).forPeople;
}

export type AskedVectors = ThreadProtocol['thread.embed']['reply'];

interface Embedders {
  readonly forStores: (request: VendorEmbedRequest) => Promise<Float32Array>;
  readonly forPeople: (asked: EmbedCall) => Promise<AskedVectors>;
}

/** How long vectors are to be, and whether the model is to be told; who asks for them, where somebody does. */
interface How {
  /** Null: as the model gives them. */
  readonly dimensions: number | null;
  readonly tell: boolean;
  readonly user_id?: string;
  /** By which it holds its permit, where that is not the thread: permits are fair between addresses. */
  readonly holder?: Address;
}

function embedders(options: VendorEmbedderOptions): Embedders {
  const { context, self, loader, prices, usage, tap } = options;
  const { bus, world, house, secrets } = context;
  const types = perConfig(house, providerTypes);
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

  const embed = async (
    texts: readonly string[],
    request: Pick<VendorEmbedRequest, 'model' | 'workspace_id' | 'within'>,
    how: How,
  ): Promise<Embedded> => {
    const { model: full, workspace_id, within } = request;
    const slash = full.indexOf('/');
    const [provider, model] = [full.slice(0, slash), full.slice(slash + 1)];
    const type = types().get(provider);
    if (type === undefined) {
      const says = `The embedding model ${full} is not asked: its provider ${provider} is not configured, or is left out.`;
      throw new SigilError(failure('provider_unavailable', says, { provider, for_people: true }));
    }
    const refused = prices.refusal(full, workspace_id);
    if (refused !== undefined) throw new SigilError(refused);
    const tokens = Math.ceil(texts.reduce((sum, { length }) => sum + length, 0) / CHARACTERS_PER_TOKEN);
    const turn_id = world.uuid();
    const scopes = scopesOf(house.config, workspace_id, prices, full);
    await reserve({ turn_id, call: 1, tokens, cost_usd: costOf(tokens, full, prices) }, scopes);
    const wanted = { texts, model, dimensions: how.dimensions ?? 0, tell: how.tell };
    const call = { provider, workspace_id, turn_id, model, tokens, within };
    const made = await permitted({ bus, world, self: how.holder ?? self, hide }, call, async (signal) => {
      const loaded = await loader.load(provider);
      const release = loader.hold(loaded);
      const seen = tap.call({ provider, purpose: 'embed', model, turn_id: null });
      const ask = () => vectorsOf(loaded, { ...wanted, signal });
      try {
        return await (seen === undefined ? ask() : seen.within(ask));
      } finally {
        release();
        seen?.end(signal.aborted ? 'cancelled' : 'ended');
      }
    }).catch((thrown: unknown): never => {
      usage.free(turn_id, scopes);
      throw thrown;
    });
    // What cannot be used is paid for all the same.
    const { inputTokens: input_tokens } = made;
    const cost_usd = costOf(input_tokens, full, prices);
    const whose = how.user_id === undefined ? {} : { user_id: how.user_id };
    usage.used({ model: full, workspace_id, turn_id, scopes, input_tokens, cost_usd, ...whose });
    const dimensions = how.dimensions ?? made.vectors[0]?.length ?? 0;
    checkVectors({ name: provider }, { ...wanted, dimensions }, made);
    return made;
  };

  const limited = async <T>(work: () => Promise<T>): Promise<T> => {
    if (running >= RUNNING_MOST) throw new SigilError(TOO_MUCH_AT_ONCE);
    running += 1;
    try {
      return await work();
    } finally {
      running -= 1;
    }
  };

  const forPeople = async ({ id, user_id, dimensions, ...asked }: EmbedCall): Promise<AskedVectors> => {
    const holder = address('session', id);
    const texts = asked.texts.map((text) => hide(text).toWellFormed());
    const how = { dimensions, tell: dimensions !== null, user_id, holder };
    const made = await limited(() => embed(texts, asked, how)).finally(() => bus.ended(holder));
    const length = made.vectors[0]?.length ?? 0;
    const vectors = new Float32Array(length * texts.length);
    for (const [at, vector] of made.vectors.entries()) vectors.set(vector, at * length);
    return { vectors, dimensions: length, input_tokens: made.inputTokens };
  };

  const forStores = async (request: VendorEmbedRequest): Promise<Float32Array> => {
    const { dimensions, model } = request;
    const refused = running >= RUNNING_MOST ? TOO_MUCH_AT_ONCE : tooMuch(request.texts);
    if (refused !== undefined) throw new SigilError(refused);
    return await limited(async () => {
      // Whatever brought a secret into a text, it is not for a vendor.
      const texts = request.texts.map((text) => hide(text).toWellFormed());
      // What says nothing is not sent, for vendors refuse it: its vector is all zero.
      const said = texts.filter((text) => text.trim() !== '');
      const all = new Float32Array(texts.length * dimensions);
      if (said.length === 0) return all;
      const slash = model.indexOf('/');
      const traits = embeddingTraits(types().get(model.slice(0, slash)) ?? '', model.slice(slash + 1));
      const tell = traits?.fewest !== undefined && dimensions !== traits.dimensions;
      const { vectors } = await embed(said, request, { dimensions, tell });
      let next = 0;
      for (const [at, text] of texts.entries()) {
        if (text.trim() === '') continue;
        all.set(vectors[next] ?? [], at * dimensions);
        next += 1;
      }
      return all;
    });
  };
  return { forStores, forPeople };
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
