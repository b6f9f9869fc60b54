// SPDX-License-Identifier: Apache-2.0
// Google's Gemini API as it is on the wire (https://ai.google.dev/api/generate-content).

import { z } from 'zod';
import type { ChatFinish } from '../../src/providers/provider.ts';
import type { WireFormat, WirePart, WireRefusal, WireReply } from './format.ts';
import { sse } from './format.ts';
import { json } from './server.ts';

type Chunk = Readonly<Record<string, unknown>>;

function complete(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

/** The parts of a content, one chunk of the stream each. */
function partsOf(part: WirePart): readonly Chunk[] {
  switch (part.type) {
    case 'text':
      return part.deltas.map((text) => ({ text }));
    case 'thinking':
      return part.deltas.map((text) => ({ text, thought: true }));
    case 'tools':
      // A call is never sent in pieces; one that was not finished is not sent.
      return part.calls
        .filter(({ arguments: pieces }) => complete(pieces.join('')))
        .map(({ id, name, arguments: pieces }, at) => ({
          functionCall: { id, name, args: JSON.parse(pieces.join('')) },
          ...(at === 0 && { thoughtSignature: 'Cp8BAcu98PCt2tqYdDY7BKkZ' }),
        }));
    case 'error':
    case 'garbage':
      return [];
  }
}

const FINISHES: Readonly<Record<ChatFinish, string>> = {
  stop: 'STOP',
  length: 'MAX_TOKENS',
  content_filter: 'SAFETY',
  tool_calls: 'STOP',
};

const REFUSALS: Readonly<Record<WireRefusal, readonly [number, string, string, (readonly Chunk[])?]>> = {
  bad_key: [
    400,
    'INVALID_ARGUMENT',
    'API key not valid. Please pass a valid API key.',
    [
      {
        '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
        reason: 'API_KEY_INVALID',
        domain: 'googleapis.com',
        metadata: { service: 'generativelanguage.googleapis.com' },
      },
    ],
  ],
  forbidden: [403, 'PERMISSION_DENIED', "Method doesn't allow unregistered callers."],
  no_model: [
    404,
    'NOT_FOUND',
    'models/wire-model is not found for API version v1beta, or is not supported for generateContent.',
  ],
  timeout: [504, 'DEADLINE_EXCEEDED', 'Deadline expired before operation could complete.'],
  too_large: [400, 'INVALID_ARGUMENT', 'Request payload size exceeds the limit: 20971520 bytes.'],
  context_length: [
    400,
    'INVALID_ARGUMENT',
    'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
  ],
  bad_request: [400, 'INVALID_ARGUMENT', 'Invalid value at generation_config.temperature.'],
  rate_limit: [429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota.'],
  internal: [500, 'INTERNAL', 'An internal error has occurred.'],
  unavailable: [503, 'UNAVAILABLE', 'The service is currently unavailable.'],
  overloaded: [503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.'],
};

const Schema: z.ZodType = z.lazy(() =>
  z
    .strictObject({
      type: z.enum(['STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT']).optional(),
      anyOf: z.array(Schema).min(1).optional(),
      nullable: z.literal(true).optional(),
      title: z.string().optional(),
      description: z.string().optional(),
      enum: z.array(z.string().min(1)).min(1).optional(),
      format: z.enum(['enum', 'date-time', 'float', 'double', 'int32', 'int64']).optional(),
      pattern: z.string().optional(),
      minimum: z.number().optional(),
      maximum: z.number().optional(),
      minLength: z.string().regex(/^\d+$/).optional(),
      maxLength: z.string().regex(/^\d+$/).optional(),
      minItems: z.string().regex(/^\d+$/).optional(),
      maxItems: z.string().regex(/^\d+$/).optional(),
      items: Schema.optional(),
      properties: z.record(z.string(), Schema).optional(),
      required: z.array(z.string()).min(1).optional(),
    })
    .refine(({ type, anyOf }) => (type === undefined) !== (anyOf === undefined), 'either a type or a choice')
    .refine(({ type, items }) => (type === 'ARRAY') === (items !== undefined), 'an array, and only that, has items')
    .refine(({ type, format, enum: values }) => {
      if (values !== undefined) return type === 'STRING' && format === 'enum';
      if (format === undefined) return true;
      const of = { STRING: ['date-time'], NUMBER: ['float', 'double'], INTEGER: ['int32', 'int64'] } as const;
      return Object.entries(of).some(([name, formats]) => name === type && formats.some((one) => one === format));
    }, 'a format of its type')
    .refine(
      ({ required = [], properties = {} }) => required.every((key) => Object.hasOwn(properties, key)),
      'what is required is a property',
    ),
);

/** What the API takes as a schema; for anything else it answers 400. */
export const GeminiSchema = Schema;

const Part = z.union([
  z.strictObject({ text: z.string(), thoughtSignature: z.string().min(1).optional() }),
  z.strictObject({ inlineData: z.strictObject({ mimeType: z.string(), data: z.string() }) }),
  z.strictObject({
    functionCall: z.strictObject({
      id: z.string().min(1),
      name: z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_.-]{0,63}$/),
      args: z.record(z.string(), z.unknown()),
    }),
    thoughtSignature: z.string().min(1).optional(),
  }),
  z.strictObject({
    functionResponse: z.strictObject({
      id: z.string().min(1),
      name: z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_.-]{0,63}$/),
      response: z.strictObject({ output: z.string() }),
    }),
  }),
]);

/** What the API takes of what we may send. */
export const GeminiBody = z.strictObject({
  contents: z
    .array(z.strictObject({ role: z.enum(['user', 'model']), parts: z.array(Part).min(1) }))
    .min(1)
    .refine(([first]) => first?.role === 'user', 'the first content must be of the user'),
  systemInstruction: z.strictObject({ parts: z.array(z.strictObject({ text: z.string() })) }).optional(),
  tools: z
    .array(
      z.strictObject({
        functionDeclarations: z
          .array(
            z.strictObject({
              name: z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_.-]{0,63}$/),
              description: z.string(),
              parameters: Schema.optional(),
            }),
          )
          .min(1),
      }),
    )
    .length(1)
    .optional(),
  generationConfig: z
    .strictObject({
      temperature: z.number().optional(),
      maxOutputTokens: z.number().optional(),
      stopSequences: z.array(z.string()).optional(),
      thinkingConfig: z
        .strictObject({
          includeThoughts: z.literal(true).optional(),
          thinkingBudget: z.number().optional(),
          thinkingLevel: z.string().optional(),
        })
        .optional(),
    })
    .optional(),
});

/** A schema of theirs as one of ours. */
function lowered(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(lowered);
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [
      key,
      key === 'type' && typeof value === 'string' ? value.toLowerCase() : lowered(value),
    ]),
  );
}

export const geminiContent: WireFormat = {
  name: 'Gemini generateContent',
  toolName: /^[a-zA-Z_][a-zA-Z0-9_.-]{0,63}$/,
  says: { thinking: true, cacheWrites: false, stopSequences: true },
  // The reduced schema says nothing of further properties.
  taken: ({ additionalProperties: _closed, ...rest }) => rest,
  isChat: ({ method, path }) => method === 'POST' && path.includes(':streamGenerateContent?alt=sse'),
  stream: ({ parts, finish, usage }: WireReply) => {
    const thoughts = Math.min(10, usage.outputTokens);
    const counts = {
      promptTokenCount: usage.inputTokens + usage.cacheReadTokens,
      cachedContentTokenCount: usage.cacheReadTokens,
      candidatesTokenCount: usage.outputTokens - thoughts,
      thoughtsTokenCount: thoughts,
      totalTokenCount: usage.inputTokens + usage.cacheReadTokens + usage.outputTokens,
    };
    const rest = { modelVersion: 'wire-model', responseId: 'mVlAadTVLoOQ_uMP5oqDyAQ' };
    const chunk = (content: Chunk, more: Chunk = {}): string =>
      JSON.stringify({ candidates: [{ content: { parts: [content], role: 'model' }, index: 0, ...more }], ...rest });
    const inside = parts.flatMap((part): readonly string[] => {
      if (part.type === 'garbage') return ['{"candidates":[{"content":{"par'];
      if (part.type !== 'error') return partsOf(part).map((content) => chunk(content));
      const [code, status] = part.kind === 'overloaded' ? [503, 'UNAVAILABLE'] : [500, 'INTERNAL'];
      return [JSON.stringify({ error: { code, message: part.message, status } })];
    });
    const failed = parts.some(({ type }) => type === 'error');
    const end = {
      candidates: [{ content: { parts: [{ text: '' }], role: 'model' }, finishReason: FINISHES[finish], index: 0 }],
    };
    const last = JSON.stringify({ ...end, usageMetadata: counts, ...rest });
    const answer = sse([...inside, ...(failed ? [] : [last])].map((data) => ({ data })));
    return { ...answer, headers: { 'content-type': 'text/event-stream' } };
  },
  refuse: (refusal, headers) => {
    const [code, status, message, details] = REFUSALS[refusal];
    return json(code, { error: { code, message, status, ...(details && { details }) } }, headers);
  },
  models: (ids) =>
    json(200, {
      models: ids.map((id) => ({
        name: `models/${id}`,
        version: '001',
        displayName: id,
        inputTokenLimit: 1_048_576,
        outputTokenLimit: 65_536,
        supportedGenerationMethods: ['generateContent', 'countTokens'],
        thinking: true,
      })),
    }),
  sent: ({ body, headers, path }) => {
    const { contents, systemInstruction, tools, generationConfig = {} } = GeminiBody.parse(body);
    const parts = contents.flatMap(({ role, parts: all }) => all.map((part) => ({ role, part })));
    const key = headers['x-goog-api-key'];
    return {
      key: typeof key === 'string' ? key : undefined,
      model: /\/models\/([^:]+):/.exec(path)?.[1] ?? '',
      streamed: path.includes('alt=sse'),
      system: systemInstruction?.parts.map(({ text }) => text).join(''),
      temperature: generationConfig.temperature,
      maxTokens: generationConfig.maxOutputTokens,
      stopSequences: generationConfig.stopSequences,
      said: parts.flatMap(({ role, part }) =>
        'text' in part
          ? [{ role: role === 'model' ? ('assistant' as const) : ('user' as const), text: part.text }]
          : [],
      ),
      images: parts.flatMap(({ part }) =>
        'inlineData' in part ? [{ mediaType: part.inlineData.mimeType, base64: part.inlineData.data }] : [],
      ),
      toolCalls: parts.flatMap(({ part }) =>
        'functionCall' in part
          ? [
              {
                id: part.functionCall.id,
                name: part.functionCall.name,
                arguments: JSON.stringify(part.functionCall.args),
              },
            ]
          : [],
      ),
      toolResults: parts.flatMap(({ part }) =>
        'functionResponse' in part
          ? [{ id: part.functionResponse.id, content: part.functionResponse.response.output }]
          : [],
      ),
      tools: (tools?.[0]?.functionDeclarations ?? []).map(({ name, description, parameters }) => ({
        name,
        description,
        schema: lowered(parameters),
      })),
    };
  },
};
