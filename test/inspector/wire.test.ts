// SPDX-License-Identifier: Apache-2.0
// What the inspector's page takes an answer for is what the gateway's schemas say it is.

import { expectTypeOf, it } from 'vitest';
import type * as page from '../../inspector/wire.ts';
import type {
  ActorAnswer,
  ActorsAnswer,
  BusAnswer,
  TurnStageItem,
  TurnStepItem,
} from '../../src/edge/schemas/debug.ts';
import type { StatusAnswer, ThreadItem } from '../../src/edge/schemas/system.ts';

/** The gateway leaves a state open; the page takes it for what XState makes of one. */
type Open<T> = T extends page.StateValue ? unknown : T;
type Opened<T> = { readonly [K in keyof T]: K extends 'state' | 'from_state' | 'to_state' ? Open<T[K]> : T[K] };

it('holds for actors, threads, the bus, turns and the status', () => {
  expectTypeOf<ActorsAnswer['items'][number]>().toExtend<Opened<page.Actor>>();
  expectTypeOf<Omit<ActorsAnswer, 'items'>>().toExtend<Omit<page.Actors, 'items'>>();
  expectTypeOf<Omit<ActorAnswer, 'recent' | 'state'>>().toExtend<Omit<page.ActorInside, 'recent' | 'state'>>();
  expectTypeOf<ActorAnswer['recent'][number]>().toExtend<Opened<page.Step>>();
  expectTypeOf<ThreadItem>().toExtend<page.Thread>();
  expectTypeOf<BusAnswer>().toExtend<page.Bus>();
  expectTypeOf<TurnStageItem>().toExtend<page.TurnStage>();
  expectTypeOf<TurnStepItem>().toExtend<page.TurnStep>();
  expectTypeOf<StatusAnswer>().toExtend<page.Status>();
});
