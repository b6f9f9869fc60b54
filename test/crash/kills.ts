// SPDX-License-Identifier: Apache-2.0
// Kills at random instants, thousands of them: in rounds of one data directory each, so that nothing grows with their number.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { added, type Figures, NO_FIGURES } from './figures.ts';
import { randomLives } from './plan.ts';
import { seeded } from './random.ts';
import { playRound } from './round.ts';

export interface KillsOptions {
  readonly kills: number;
  readonly seed: number;
  readonly clients: number;
  /** Rounds at a time. */
  readonly jobs: number;
  readonly keep: boolean;
  /** A file the figures are kept in round by round; a run that is started again with it goes on. */
  readonly state: string | undefined;
}

/** Kills in one data directory, before it is audited and another one is begun. */
const ROUND = 50;
/** How long a named place may take to be passed before the kill comes anyway, in milliseconds. */
const PATIENCE_MS = 700;

interface State {
  readonly seed: number;
  /** Rounds that are done. */
  readonly rounds: number[];
  figures: Figures;
  seconds: number;
}

function stateOf({ state, seed }: KillsOptions): State {
  if (state !== undefined && existsSync(state)) {
    const kept = JSON.parse(readFileSync(state, 'utf8')) as State;
    if (kept.seed === seed) return kept;
  }
  return { seed, rounds: [], figures: { ...NO_FIGURES }, seconds: 0 };
}

export async function killAtRandom(options: KillsOptions): Promise<Figures & { readonly seconds: number }> {
  const { kills, seed, clients, jobs, keep } = options;
  const state = stateOf(options);
  const rounds = Math.ceil(kills / ROUND);
  const began = performance.now() - state.seconds * 1_000;
  const seconds = (): number => Math.round((performance.now() - began) / 100) / 10;
  console.log(`crash: ${kills} kills in ${rounds} rounds, seed ${seed}, ${clients} clients, ${jobs} at a time`);
  if (state.rounds.length > 0) console.log(`  ${state.rounds.length} rounds are done already`);
  const left = Array.from({ length: rounds }, (_, at) => at).filter((at) => !state.rounds.includes(at));
  const work = async (): Promise<void> => {
    for (let at = left.shift(); at !== undefined; at = left.shift()) {
      const lives = randomLives(seeded(seed * 100_003 + at), Math.min(ROUND, kills - at * ROUND));
      const round = await playRound({ seed: seed * 1_009 + at, lives, clients, patience_ms: PATIENCE_MS, keep });
      state.rounds.push(at);
      state.figures = added(state.figures, round.figures);
      state.seconds = seconds();
      for (const problem of round.problems.slice(0, 20)) console.log(`  PROBLEM in round ${at}: ${problem}`);
      if (round.kept !== null) console.log(`  data of round ${at} kept in ${round.kept}`);
      if (options.state !== undefined) writeFileSync(options.state, `${JSON.stringify(state)}\n`);
      const { kills: done, messages, problems } = state.figures;
      const memory = Math.round(process.memoryUsage().rss / 1_048_576);
      console.log(
        `  ${done} of ${kills} kills in ${seconds()} s: ${messages} messages, ${problems} problems; ${memory} MiB here`,
      );
    }
  };
  await Promise.all(Array.from({ length: jobs }, work));
  return { ...state.figures, seconds: seconds() };
}
