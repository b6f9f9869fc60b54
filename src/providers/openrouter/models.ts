// SPDX-License-Identifier: Apache-2.0
// OpenRouter's models as they are known without asking: a few of hundreds, the rest its list tells.

import type { KnownModel } from '../model-list.ts';

const model = (id: string, name: string, context: number, output: number, thinking: boolean): KnownModel => ({
  id,
  name,
  capabilities: {
    tools: true,
    vision: true,
    streaming: true,
    thinking,
    maxContextTokens: context,
    maxOutputTokens: output,
  },
});

export const OPENROUTER_MODELS: readonly KnownModel[] = [
  // It chooses one by the prompt, so only what all of those can do may be relied on.
  model('openrouter/auto', 'Auto Router', 128_000, 4_096, false),
  model('openai/gpt-4-turbo', 'OpenAI: GPT-4 Turbo', 128_000, 4_096, false),
  model('anthropic/claude-opus', 'Anthropic: Claude Opus', 200_000, 32_000, true),
  model('google/gemini-pro', 'Google: Gemini Pro', 1_048_576, 65_536, true),
];
