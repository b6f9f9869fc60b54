// SPDX-License-Identifier: Apache-2.0
// OpenRouter's models as they are known without asking: a few of hundreds, the rest its list tells.

import { type KnownModel, knownModel } from '../model-list.ts';

export const OPENROUTER_MODELS: readonly KnownModel[] = [
  // It chooses one by the prompt, so only what all of those can do may be relied on.
  knownModel('openrouter/auto', 'Auto Router', 128_000, 4_096, false),
  knownModel('openai/gpt-4-turbo', 'OpenAI: GPT-4 Turbo', 128_000, 4_096, false),
  knownModel('anthropic/claude-opus', 'Anthropic: Claude Opus', 200_000, 32_000, true),
  knownModel('google/gemini-pro', 'Google: Gemini Pro', 1_048_576, 65_536, true),
];
