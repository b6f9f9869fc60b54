// SPDX-License-Identifier: Apache-2.0
// The offline model as the list of models has it.

import type { ModelInfo } from '../provider.ts';

/** What the offline model can do. Its output limit holds its longest answer, counting to 1000. */
export const OFFLINE_MODEL: ModelInfo = {
  id: 'offline',
  name: 'Sigil offline (rules, no network)',
  provider: 'sigil',
  capabilities: {
    tools: true,
    vision: false,
    streaming: true,
    thinking: false,
    maxContextTokens: 32_768,
    maxOutputTokens: 1024,
  },
};
