// SPDX-License-Identifier: Apache-2.0
// The door for clients of OpenAI's: loaded when the first of them comes.

import type { EdgeContext } from '../context.ts';
import type { Answer, Exchange, Route } from '../exchange.ts';

export function openAiRoutes(edge: EdgeContext): readonly Route[] {
  return [
    {
      method: 'POST',
      path: '/v1/chat/completions',
      handle: (exchange) => {
        // Before a body is read, as of every message.
        const refused = edge.ports.admission?.refusal(edge.shareOf(exchange), edge.lanes);
        if (refused) return { refused };
        edge.enterChat(exchange);
        return completed(edge, exchange);
      },
    },
    {
      method: 'POST',
      path: '/v1/embeddings',
      handle: async (exchange) => (await import('../openai/embeddings.ts')).embeddings(edge, exchange),
    },
    {
      method: 'GET',
      path: '/v1/models',
      handle: async (exchange) => (await import('../openai/models.ts')).modelList(edge, exchange),
    },
    {
      method: 'GET',
      path: '/v1/models/:id',
      handle: async (exchange) => (await import('../openai/models.ts')).oneModel(edge, exchange),
    },
  ];
}

async function completed(edge: EdgeContext, exchange: Exchange): Promise<Answer> {
  const { chatCompletion } = await import('../openai/chat.ts');
  return await chatCompletion(edge, exchange);
}
