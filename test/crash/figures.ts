// SPDX-License-Identifier: Apache-2.0
// What rounds of kills add up to.

/** What a round adds to the figures. */
export interface Figures {
  kills: number;
  /** Of those, while a gateway started or took up what the kill before had interrupted. */
  kills_in_recovery: number;
  /** Of those, at a named place. */
  kills_at_points: number;
  messages: number;
  again: number;
  streams_resumed: number;
  turns: number;
  resumptions: number;
  poisoned: number;
  effects: number;
  effects_repeated: number;
  outcome_unknown: number;
  unknown_happened: number;
  effect_problems: number;
  rows: number;
  /** Summaries stored. */
  compactions: number;
  problems: number;
}

export const NO_FIGURES: Readonly<Figures> = {
  kills: 0,
  kills_in_recovery: 0,
  kills_at_points: 0,
  messages: 0,
  again: 0,
  streams_resumed: 0,
  turns: 0,
  resumptions: 0,
  poisoned: 0,
  effects: 0,
  effects_repeated: 0,
  outcome_unknown: 0,
  unknown_happened: 0,
  effect_problems: 0,
  rows: 0,
  compactions: 0,
  problems: 0,
};

/** The sum of two rounds. */
export function added(a: Figures, b: Figures): Figures {
  const sum = { ...a };
  for (const name of Object.keys(sum) as (keyof Figures)[]) sum[name] += b[name];
  return sum;
}
