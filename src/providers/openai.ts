// SPDX-License-Identifier: Apache-2.0
// The provider `openai`: the Responses interface at OpenAI's own address, and wherever else it is found.

import { z } from 'zod';
import { baseUrl } from './base-url.ts';
import { OPENAI_MODELS } from './openai/models.ts';
import { createOpenAiProvider } from './openai/provider.ts';
import type { Provider } from './provider.ts';
import type { ProviderSettings, ProviderWorld } from './settings.ts';

const OWN = 'https://api.openai.com/v1';

/** What its list holds besides models one can talk to. */
const OTHERS =
  /embedding|moderation|whisper|tts|dall-e|image|audio|realtime|transcribe|sora|davinci|babbage|instruct|search|computer-use/;
const Entry = z.object({ id: z.string() });

export async function createOpenAi(settings: ProviderSettings, world: ProviderWorld): Promise<Provider> {
  const base = baseUrl(settings.endpoint, OWN);
  return await createOpenAiProvider({
    settings,
    world,
    base,
    responses: base === OWN ? 'yes' : 'try',
    dialect: { maxTokens: 'max_completion_tokens' },
    table: OPENAI_MODELS,
    listed: (entry) => {
      const { success, data } = Entry.safeParse(entry);
      return success && !OTHERS.test(data.id) ? { id: data.id } : undefined;
    },
  });
}
