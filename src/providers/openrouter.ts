// SPDX-License-Identifier: Apache-2.0
// The provider `openrouter`: one key for the models of many vendors, listed with what each can do.

import { z } from 'zod';
import { baseUrl } from './base-url.ts';
import type { ListedModel } from './model-list.ts';
import { createOpenAiProvider } from './openai/provider.ts';
import { OPENROUTER_MODELS } from './openrouter/models.ts';
import type { ModelInfo, Provider } from './provider.ts';
import type { ProviderSettings, ProviderWorld } from './settings.ts';

const OWN = 'https://openrouter.ai/api/v1';

/** The application and its address, as its statistics show them. */
const ATTRIBUTION = { 'X-Title': 'Sigil', 'HTTP-Referer': 'https://github.com/sigil-dev/sigil' };

const size = z.number().int().positive().nullish().catch(undefined);
const names = z.array(z.string()).nullish().catch(undefined);
const dollars = z.union([z.string().regex(/^-?\d/), z.number()]);
const Entry = z.object({
  id: z.string(),
  name: z.string().optional().catch(undefined),
  context_length: size,
  architecture: z.object({ input_modalities: names, output_modalities: names }).nullish().catch(undefined),
  top_provider: z.object({ max_completion_tokens: size }).nullish().catch(undefined),
  supported_parameters: names,
  pricing: z.object({ prompt: dollars, completion: dollars }).nullish().catch(undefined),
});

/** USD per million tokens, out of USD per token (https://openrouter.ai/docs/api-reference/list-available-models). */
function priceOf(pricing: z.output<typeof Entry>['pricing']): ModelInfo['price'] {
  const [input, output] = [Number(pricing?.prompt), Number(pricing?.completion)];
  // A model that chooses one by the prompt costs -1: nobody knows before.
  if (!(input >= 0) || !(output >= 0)) return undefined;
  // As people write it: per token it is a number with many noughts, and a million times that is off by a hair.
  return { input: Number((input * 1e6).toPrecision(12)), output: Number((output * 1e6).toPrecision(12)) };
}

function listed(entry: unknown): ListedModel | undefined {
  const { success, data } = Entry.safeParse(entry);
  if (!success) return undefined;
  const { context_length, architecture, top_provider, supported_parameters, pricing } = data;
  if (architecture?.output_modalities && !architecture.output_modalities.includes('text')) return undefined;
  const told: { -readonly [Key in keyof ModelInfo['capabilities']]?: ModelInfo['capabilities'][Key] } = {};
  if (context_length) told.maxContextTokens = context_length;
  if (top_provider?.max_completion_tokens) told.maxOutputTokens = top_provider.max_completion_tokens;
  if (architecture?.input_modalities) told.vision = architecture.input_modalities.includes('image');
  if (supported_parameters) {
    told.tools = supported_parameters.includes('tools');
    told.thinking = supported_parameters.includes('reasoning');
  }
  return { id: data.id, name: data.name, capabilities: told, price: priceOf(pricing) };
}

export async function createOpenRouter(settings: ProviderSettings, world: ProviderWorld): Promise<Provider> {
  return await createOpenAiProvider({
    settings,
    world,
    base: baseUrl(settings.endpoint, OWN),
    headers: ATTRIBUTION,
    responses: 'no',
    dialect: { maxTokens: 'max_tokens', thinking: (enabled) => ({ reasoning: { enabled } }) },
    table: OPENROUTER_MODELS,
    listed,
  });
}
