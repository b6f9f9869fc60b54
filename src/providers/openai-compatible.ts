// SPDX-License-Identifier: Apache-2.0
// The provider `openai-compatible`: chat completions at any address, as Ollama, llama.cpp, vLLM and LM Studio have them.

import { z } from 'zod';
import { failure, SigilError } from '../errors.ts';
import { baseUrl } from './base-url.ts';
import { createOpenAiProvider } from './openai/provider.ts';
import type { Provider } from './provider.ts';
import type { ProviderSettings, ProviderWorld } from './settings.ts';

/** Where Ollama listens when nobody tells it otherwise. */
export const OLLAMA = 'http://127.0.0.1:11434/v1';

const size = z.number().int().positive().optional().catch(undefined);
/** vLLM tells a model's context, and so does LM Studio under another name. */
const Entry = z.object({ id: z.string(), max_model_len: size, max_context_length: size });

/**
 * @param own its address where the entry has no `endpoint`; undefined: the entry must have one
 * @throws SigilError `validation_failed` when it has none
 */
export async function createOpenAiCompatible(
  settings: ProviderSettings,
  world: ProviderWorld,
  own?: string,
): Promise<Provider> {
  const endpoint = settings.endpoint || own;
  if (endpoint === undefined) {
    const path = `providers.${settings.name}.endpoint`;
    const message = `The provider ${settings.name} has no endpoint. Set ${path} to the base URL of its server, such as ${OLLAMA}.`;
    throw new SigilError(failure('validation_failed', message, { errors: [{ path, message }] }));
  }
  return await createOpenAiProvider({
    settings,
    world,
    base: baseUrl(endpoint, own ?? OLLAMA),
    responses: 'no',
    dialect: { maxTokens: 'max_tokens' },
    table: [],
    listed: (entry) => {
      const { success, data } = Entry.safeParse(entry);
      if (!success) return undefined;
      const context = data.max_model_len ?? data.max_context_length;
      return { id: data.id, capabilities: context === undefined ? {} : { maxContextTokens: context } };
    },
  });
}
