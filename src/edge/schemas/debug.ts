// SPDX-License-Identifier: Apache-2.0
// What the debug endpoints answer: the live actor system.

import { z } from 'zod';
import type { ActorView, BusStats } from '../../actors/thread/protocol.ts';
import type { DeepReadonly } from '../../config/schema.ts';
import { Counts, StateValue, Time } from './fields.ts';

const actorFields = {
  address: z.string().describe('`kind/id`.'),
  kind: z.string(),
  id: z.string(),
  parent: z.string().nullable(),
  thread: z.string(),
  state: StateValue,
  since: Time,
  uptime_s: z.number(),
  mailbox: z.object({ depth: z.int(), capacity: z.int(), oldest_ms: z.number() }),
  processed: z.int(),
  failed: z.int(),
  restarts: z.int(),
  last_event: z.object({ type: z.string(), at: Time }).nullable(),
  asleep: z.boolean().describe('A session that is not in memory: it wakes with its next message.'),
};

export const Actor = z.object(actorFields).describe('An actor.');

const Step = z.object({
  at: Time,
  event: z.string(),
  from_state: StateValue,
  to_state: StateValue,
  took_us: z.number(),
});

export const ActorDetailed = z
  .object({
    ...actorFields,
    context: z.unknown().describe('Secrets and message text are redacted unless revealed.'),
    children: z.array(z.string()).describe('The first 1,000, in the order of their addresses.'),
    children_total: z.int(),
    recent: z.array(Step).describe('The last 64 steps.'),
    machine: z.unknown().describe("The state chart's definition; null for what is none, or sleeps."),
    unreachable: z.array(z.string()).optional().describe('Threads that did not answer: children there are missing.'),
  })
  .describe('An actor with everything about it.');

export const Actors = z
  .object({
    items: z.array(Actor),
    next_cursor: z.string().nullable(),
    totals: z.object({ actors: z.int(), by_kind: Counts, by_thread: Counts, by_state: Counts }),
    unreachable: z
      .array(z.string())
      .optional()
      .describe('Threads that did not answer: what they host is missing here.'),
  })
  .describe('A page of actors in the order of their addresses.');

export const BusFigures = z
  .object({
    by_kind: z.record(
      z.string(),
      z.object({
        sent: z.int(),
        delivered: z.int(),
        asks_in_flight: z.int(),
        timeouts: z.int(),
        dead_letters: z.int(),
      }),
    ),
    dead_letters: z
      .array(z.object({ at: Time, to: z.string(), from: z.string(), type: z.string(), reason: z.string() }))
      .describe('The last 100, oldest first.'),
    unreachable: z.array(z.string()).optional(),
  })
  .describe('What travelled between actors.');

const TurnStep = z
  .object({
    seq: z.int(),
    type: z.string(),
    start: Time,
    end: Time.nullable().describe('Null while it lasts.'),
    outcome: z.string().nullable().describe('Null while it lasts.'),
    detail: z.record(z.string(), z.unknown()).describe('What the record says, message text left out.'),
  })
  .describe('A step of a turn.');

const TurnStage = z
  .object({
    stage: z.enum(['receive', 'prepare', 'call', 'process', 'respond', 'audit']),
    start: Time,
    end: Time.nullable().describe('Null while it lasts.'),
    outcome: z.string().nullable().describe('Null while it lasts.'),
    detail: z.record(z.string(), z.unknown()).describe('What is known of it, message text left out.'),
  })
  .describe('A stage of a turn.');

export const TurnSteps = z
  .object({
    id: z.string(),
    session_id: z.string(),
    workspace_id: z.string(),
    user_id: z.string(),
    status: z.string(),
    stages: z.array(TurnStage).describe('Prepare, call and process once for each model call.'),
    steps: z.array(TurnStep),
  })
  .describe("A turn's journal.");

export type ActorAnswer = DeepReadonly<z.output<typeof ActorDetailed>>;
export type ActorsAnswer = DeepReadonly<z.output<typeof Actors>>;
export type BusAnswer = DeepReadonly<z.output<typeof BusFigures>>;
export type TurnStageItem = DeepReadonly<z.output<typeof TurnStage>>;
export type TurnStepItem = DeepReadonly<z.output<typeof TurnStep>>;

/** What threads say is answered as it is. */
export const SAME = {
  actor: (view: ActorView): DeepReadonly<z.output<typeof Actor>> => view,
  bus: (stats: BusStats): BusAnswer => stats,
};
