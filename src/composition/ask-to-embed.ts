// SPDX-License-Identifier: Apache-2.0
// Texts to vectors over the bus: with a built-in model by the pool, with a vendor's by the thread that asks vendors.

import { type Address, address } from '../bus/address.ts';
import { BUILT_IN_MODELS } from '../embeddings/model-list.ts';
import { failure } from '../errors.ts';
import { STORE_IDS } from '../stores/protocol.ts';
import type { EmbedAsk, Embedded } from '../stores/sqlite/embedding-pump.ts';
import type { ThreadContext } from './context.ts';
import { asksVendors } from './embedding-choice.ts';

export interface AskToEmbedOptions {
  readonly from: Address;
  /** Milliseconds. */
  readonly within: number;
  readonly trace?: string | undefined;
}

/** The time a vendor's answer has to get here, in milliseconds: whoever asked it should hear why there is none. */
const ON_THE_WAY = 1_000;

/** Asks for vectors; `answered` is called once, later. */
export function askToEmbed(
  { bus, house, world }: Pick<ThreadContext, 'bus' | 'house' | 'world'>,
  { model, texts, workspace_id, purpose }: EmbedAsk,
  { from, within, trace }: AskToEmbedOptions,
  answered: (answer: Embedded) => void,
): void {
  const { name, dimensions } = model;
  if (BUILT_IN_MODELS.has(name)) {
    const to = address('store', STORE_IDS.embedder);
    return bus.ask(to, 'pool.embed', { model: name, texts }, { from, within, trace }, (answer) =>
      answered(answer.ok ? { ok: true, vectors: answer.body.vectors } : answer),
    );
  }
  if (!asksVendors(house.config)) {
    // What was embedded with a model that nobody names any more.
    const says = `the embedding model ${name} is not in use; its provider is not asked.`;
    return world.soon(() => answered({ ok: false, error: failure('provider_unavailable', says) }));
  }
  const to = address('store', STORE_IDS.vendors);
  const body = { model: name, texts, dimensions, workspace_id, purpose, within: Math.max(1, within - ON_THE_WAY) };
  bus.ask(to, 'vendors.embed', body, { from, within, trace }, (answer) =>
    answered(answer.ok ? { ok: true, vectors: answer.body.vectors } : answer),
  );
}
