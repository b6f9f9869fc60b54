// SPDX-License-Identifier: Apache-2.0
// OpenAI's models as they are known without asking: sizes as its model pages gave them.

import { type KnownModel, knownModel } from '../model-list.ts';

export const OPENAI_MODELS: readonly KnownModel[] = [
  knownModel('gpt-5', 'GPT-5', 400_000, 128_000, true),
  knownModel('gpt-5-mini', 'GPT-5 mini', 400_000, 128_000, true),
  knownModel('gpt-5-nano', 'GPT-5 nano', 400_000, 128_000, true),
  knownModel('gpt-4.1', 'GPT-4.1', 1_047_576, 32_768, false),
  knownModel('gpt-4.1-mini', 'GPT-4.1 mini', 1_047_576, 32_768, false),
  knownModel('gpt-4.1-nano', 'GPT-4.1 nano', 1_047_576, 32_768, false),
  knownModel('gpt-4o', 'GPT-4o', 128_000, 16_384, false),
  knownModel('gpt-4o-mini', 'GPT-4o mini', 128_000, 16_384, false),
  knownModel('gpt-4-turbo', 'GPT-4 Turbo', 128_000, 4_096, false),
  knownModel('o3', 'o3', 200_000, 100_000, true),
  knownModel('o4-mini', 'o4-mini', 200_000, 100_000, true),
];
