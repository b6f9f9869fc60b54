// SPDX-License-Identifier: Apache-2.0
// `store/vendors` on an I/O thread: what is asked of vendors outside of turns. Its libraries load with its first question.

import { address } from '../bus/address.ts';
import type { ConfigChange } from '../config/change.ts';
import { toFailure } from '../errors.ts';
import type { Price } from '../providers/pricing.ts';
import type { EmbedderProtocol, VendorEmbedRequest } from '../stores/embedder.ts';
import { STORE_IDS } from '../stores/protocol.ts';
import type { Request } from '../stores/request.ts';
import { bindHandlers } from './bind.ts';
import { providerEntries, providerTypes, renewedProvider } from './config-scopes.ts';
import type { ThreadContext } from './context.ts';
import { embeddingUsage } from './embedding-usage.ts';
import { currentPrices } from './model-prices.ts';
import { perConfig } from './per-config.ts';
import { createProviderLoader } from './provider-loader.ts';
import { vendorEmbedder } from './vendor-embedder.ts';
import { wireTap } from './wire-tap.ts';

type PricesReply = EmbedderProtocol['vendors.prices']['reply'];
type ToldPrice = PricesReply['prices'][number];

export function hostVendors(context: ThreadContext): { changed(change: ConfigChange): void; close(): void } {
  const { bus, world, house, secrets } = context;
  const self = address('store', STORE_IDS.vendors);
  const tap = wireTap(context);
  const providers = providerEntries(house.config);
  const loader = createProviderLoader({ providers, world, resolver: () => secrets.resolve, tap });
  const usage = embeddingUsage({ bus, world, self, failed: (error) => context.fault(self, error) });
  const told = new Map<string, readonly ToldPrice[]>();
  const live = new Map<string, Price>();
  const prices = currentPrices(house, () => live);
  const embed = vendorEmbedder({ context, self, loader, prices, usage, tap });
  const telling = perConfig(house, (config) =>
    [...providerTypes(config)].flatMap(([name, type]) => (type === 'openrouter' ? [name] : [])),
  );

  /** Every price that is told; a vendor that cannot be asked has told what it told before. */
  const listed = async (): Promise<PricesReply> => {
    const asked = telling();
    for (const name of asked) {
      const models = await loader.load(name).then((provider) => provider.listModels());
      const some = models.flatMap(({ id, price }) =>
        price === undefined ? [] : [{ model: `${name}/${id}`, ...price }],
      );
      if (some.length > 0) told.set(name, some);
    }
    for (const name of told.keys()) if (!asked.includes(name)) told.delete(name);
    const all = [...told.values()].flat();
    live.clear();
    for (const { model, input, output } of all) live.set(model, { input, output });
    return { prices: all, whole: asked.every((name) => told.has(name)) };
  };
  const handlers = {
    'vendors.embed': (request: Request<VendorEmbedRequest, { readonly vectors: Float32Array }>): void => {
      embed(request.body).then(
        (vectors) => request.reply({ vectors }),
        (thrown: unknown) => request.fail(toFailure(thrown)),
      );
    },
    'vendors.prices': (request: Request<Record<string, never>, PricesReply>): void => {
      listed().then(
        (reply) => request.reply(reply),
        (thrown: unknown) => request.fail(toFailure(thrown)),
      );
    },
  };
  bus.host('store', bindHandlers(context, self, handlers));
  return {
    changed: (change) =>
      loader.follow(providerEntries(change.after), renewedProvider(change), change.after.agent.turn_timeout),
    close: () => {
      usage.close();
      loader.close();
    },
  };
}
