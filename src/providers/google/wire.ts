// SPDX-License-Identifier: Apache-2.0
// What a generateContent stream sends, as far as we read it: parsed once, here.

import { z } from 'zod';

const count = z.number().int().min(0).nullish();

export const GeminiPart = z.object({
  text: z.string().nullish(),
  thought: z.boolean().nullish(),
  thoughtSignature: z.string().nullish(),
  functionCall: z
    .object({
      id: z.string().nullish(),
      name: z.string().min(1),
      args: z.record(z.string(), z.unknown()).nullish(),
    })
    .nullish(),
});

const GeminiError = z.object({
  code: z.number().int().nullish(),
  message: z.string().nullish(),
  status: z.string().nullish(),
  details: z
    .array(
      z.looseObject({
        reason: z.string().optional().catch(undefined),
        retryDelay: z.string().optional().catch(undefined),
      }),
    )
    .nullish()
    .catch(undefined),
});

export const GeminiErrorBody = z.object({ error: GeminiError });

export const GeminiChunk = z.object({
  candidates: z
    .array(
      z.object({
        content: z.object({ parts: z.array(GeminiPart).nullish() }).nullish(),
        finishReason: z.string().nullish(),
        finishMessage: z.string().nullish(),
      }),
    )
    .nullish(),
  promptFeedback: z.object({ blockReason: z.string().nullish() }).nullish(),
  usageMetadata: z
    .object({
      promptTokenCount: count,
      cachedContentTokenCount: count,
      candidatesTokenCount: count,
      thoughtsTokenCount: count,
      toolUsePromptTokenCount: count,
    })
    .nullish(),
  error: GeminiError.nullish(),
});

export type GeminiChunk = z.infer<typeof GeminiChunk>;
export type GeminiPart = z.infer<typeof GeminiPart>;

/** A model as the SDK hands it on. */
export const ListedModel = z.object({
  name: z.string().nullish(),
  displayName: z.string().nullish(),
  supportedActions: z.array(z.string()).nullish(),
  inputTokenLimit: z.number().int().positive().nullish().catch(null),
  outputTokenLimit: z.number().int().positive().nullish().catch(null),
  thinking: z.boolean().nullish().catch(null),
});
export type ListedModel = z.infer<typeof ListedModel>;

export const EmbeddedText = z.object({ values: z.array(z.number()).min(1) });
