// SPDX-License-Identifier: Apache-2.0
// Where every worker of the pool begins: short jobs that need a processor and nothing else, each a function of its input.

import { builtInModel } from './embeddings/built-in.ts';
import type { EmbedRequest } from './stores/embedder.ts';
import type { PageSource, PageText } from './web/page-text.ts';

/** Embeds texts with a model that is computed here. */
export function embed({ model, texts }: EmbedRequest): Float32Array {
  const known = builtInModel(model);
  if (known === undefined) throw new Error(`${model} is not a built-in model`);
  return known.embed(texts);
}

/** What a web page says. What reads markup loads with the first page. */
export async function page(source: PageSource): Promise<PageText | undefined> {
  const { pageText } = await import('./web/page-text.ts');
  return pageText(source);
}
