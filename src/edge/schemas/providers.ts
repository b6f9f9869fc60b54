// SPDX-License-Identifier: Apache-2.0
// What is answered about providers: how they are, their models, and their traffic. Loaded only to make the OpenAPI document; the rest is types.

import { z } from 'zod';
import type { ProviderStatus } from '../../actors/provider/protocol.ts';
import type { DeepReadonly } from '../../config/schema.ts';
import type { WireEntry } from '../../providers/wire-entry.ts';
import { listOf, Time } from './fields.ts';

export const LastError = z.object({ code: z.string(), message: z.string(), at: Time }).nullable();
const RetryAt = Time.nullable().describe('When it is tried again; null while its circuit is closed.');
const Percentiles = z.object({ p50: z.number(), p95: z.number(), p99: z.number() }).nullable();

const Problem = z.object({
  what: z.string().describe('The provider, or one of its models as `provider/model`.'),
  message: z.string().describe('What is wrong.'),
  advice: z.string().describe('What to do about it.'),
});

const state = z
  .string()
  .describe(
    'The state of its circuit: `closed`, `open` or `half_open`; `unreachable` when its actor did not answer, `quarantined` when its entry was left out.',
  );
const latency = z
  .object({
    first_event_ms: Percentiles.describe('Until the first event of an answer.'),
    took_ms: Percentiles.describe('Until its end.'),
  })
  .describe('Of the newest calls that went well, in milliseconds; null when there were none.');
const models = z
  .array(z.object({ model: z.string(), state: z.string(), retry_at: RetryAt, last_error: LastError }))
  .describe('Models whose own circuit is not closed.');
const problems = z.array(Problem).describe('What is wrong with it now; empty when all is well.');

const statusFields = {
  name: z.string(),
  state,
  available: z.boolean(),
  message: z.string(),
  in_flight: z.int(),
  waiting: z.int(),
  waits_for: z
    .enum(['max_concurrency', 'requests_per_minute', 'tokens_per_minute'])
    .nullable()
    .describe('The setting that lets the next of those that wait wait; null when none does.'),
  calls: z.int(),
  failures: z.int(),
  probes: z.int().describe('Calls made only to find out whether it is back, for nobody.'),
  last_error: LastError,
  retry_at: RetryAt,
  latency,
  models,
};

export const Provider = z
  .object({
    ...statusFields,
    type: z.string().describe('Its type; empty for an entry that was left out.'),
    problems,
  })
  .describe('A provider of language models.');

export const Providers = listOf(Provider);

export const ProviderHealth = z
  .object({
    name: z.string(),
    healthy: z.boolean().describe('Whether it can be asked: nothing stands under `problems`.'),
    problems,
    state,
    last_error: LastError,
    retry_at: RetryAt,
    latency,
    models,
  })
  .describe('Whether a provider can be asked, and what to do when it cannot.');

export const Model = z
  .object({
    id: z.string().describe('As the provider calls it; chats name it `provider/id`.'),
    name: z.string().describe('For people.'),
    provider: z.string(),
    capabilities: z.object({
      tools: z.boolean(),
      vision: z.boolean(),
      streaming: z.boolean(),
      thinking: z.boolean(),
      max_context_tokens: z.int(),
      max_output_tokens: z.int(),
    }),
  })
  .describe('A model.');

export const Models = z
  .object({
    items: z.array(Model),
    next_cursor: z.string().nullable().describe('Where the next page begins; null on the last one.'),
    total: z.int().describe('Models on all pages.'),
    live: z.boolean().describe('Whether the list the vendor has now is in it; else only what is known without asking.'),
    reason: z.string().nullable().describe('Why it is not; null when it is.'),
  })
  .describe('The models of a provider, by their ids.');

const header = z.tuple([z.string(), z.string()]);
const encoding = z.enum(['utf8', 'latin1']).describe('`latin1`: it is no UTF-8, and each character is one byte.');
const exchange = z.int().describe('Counts the HTTP requests of the call from 1.');
const text = z.string();
const entry = {
  at: Time,
  provider: z.string(),
  call: z.string().describe("The call's own id."),
  turn_id: z.string().nullable().describe('The turn it is made for; null where there is none.'),
  n: z.int().describe('Counts the entries of a call from 1: one that is missing was dropped on its way.'),
};
const headers = z.array(header).describe('In their order; values that open something are `***`.');

export const WireEntrySchema = z
  .discriminatedUnion('kind', [
    z
      .object({
        ...entry,
        kind: z.literal('call'),
        purpose: z.enum(['chat', 'probe', 'models', 'embed', 'other']),
        model: z.string().describe('As the vendor calls it; empty where it is for no model.'),
      })
      .describe('A call began.'),
    z
      .object({
        ...{ ...entry, kind: z.literal('request'), exchange, method: z.string(), url: z.string(), headers },
        body_bytes: z.int(),
      })
      .describe('A request was sent.'),
    z
      .object({ ...entry, kind: z.literal('request_body'), exchange, encoding, text, last: z.boolean() })
      .describe('A piece of its body; all of them in their order are the body.'),
    z
      .object({
        ...{ ...entry, kind: z.literal('answer'), exchange, status: z.int(), reason: z.string(), headers },
        after_ms: z.number().describe('Since the request.'),
      })
      .describe('The head of an answer.'),
    z
      .object({ ...entry, kind: z.literal('answer_body'), exchange, encoding, text })
      .describe('A piece of its body, in whole lines; all of them in their order are the body.'),
    z
      .object({
        ...{ ...entry, kind: z.literal('answer_end'), exchange, body_bytes: z.int() },
        whole: z.boolean().describe('False: it was broken off.'),
        why: z.string().describe('Why it was; empty when it was not.'),
      })
      .describe('The end of an answer.'),
    z
      .object({ ...entry, kind: z.literal('no_answer'), exchange, why: z.string() })
      .describe('A request was not answered.'),
    z
      .object({ ...entry, kind: z.literal('event'), event: z.looseObject({ type: z.string() }) })
      .describe(
        'What was made of it: `text_delta`, `thinking_delta`, `tool_call`, `usage`, and last `done` or `error`.',
      ),
    z
      .object({ ...entry, kind: z.literal('end'), outcome: z.enum(['ended', 'cancelled']), took_ms: z.number() })
      .describe('The call is over; the end of its answer may follow.'),
  ])
  .describe("One thing that went to a vendor, came from it, or was made of that; no secret's value is in it.");

/** The events of the stream of providers' traffic. */
export const WIRE_EVENTS = {
  entry: WireEntrySchema,
  dropped: z
    .object({ dropped: z.int() })
    .describe('So many entries before the next one found no room on their way here, and are not shown.'),
  lost: z
    .object({ thread: z.string() })
    .describe('A thread ended: the calls it was making have no more entries. Those of its next life are shown.'),
  error: z.object({ code: z.string(), message: z.string() }).describe('The stream cannot go on. The last event.'),
} as const;

export type ProviderProblem = DeepReadonly<z.output<typeof Problem>>;
export type ProviderItem = DeepReadonly<z.output<typeof Provider>>;
export type ProviderHealthAnswer = DeepReadonly<z.output<typeof ProviderHealth>>;
export type ModelItem = DeepReadonly<z.output<typeof Model>>;
export type ModelsAnswer = DeepReadonly<z.output<typeof Models>>;

/** What actors and taps say is answered as it is. */
export const SAME = {
  status: (status: ProviderStatus): Omit<ProviderItem, 'type' | 'problems'> => status,
  entry: (of: WireEntry): DeepReadonly<z.output<typeof WireEntrySchema>> => of,
};
