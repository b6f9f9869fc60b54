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
const Entry = z.object({
  id: z.string(),
  name: z.string().optional().catch(undefined),
  context_length: size,
  architecture: z.object({ input_modalities: names, output_modalities: names }).nullish().catch(undefined),
  top_provider: z.object({ max_completion_tokens: size }).nullish().catch(undefined),
  supported_parameters: names,
});

function listed(entry: unknown): ListedModel | undefined {
  const { success, data } = Entry.safeParse(entry);
  if (!success) return undefined;
  const { context_length, architecture, top_provider, supported_parameters } = data;
  if (architecture?.output_modalities && !architecture.output_modalities.includes('text')) return undefined;
  const told: { -readonly [Key in keyof ModelInfo['capabilities']]?: ModelInfo['capabilities'][Key] } = {};
  if (context_length) told.maxContextTokens = context_length;
  if (top_provider?.max_completion_tokens) told.maxOutputTokens = top_provider.max_completion_tokens;
  if (architecture?.input_modalities) told.vision = architecture.input_modalities.includes('image');
  if (supported_parameters) {
    told.tools = supported_parameters.includes('tools');
    told.thinking = supported_parameters.includes('reasoning');
  }
  return { id: data.id, name: data.name, capabilities: told };
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
