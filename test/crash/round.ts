// SPDX-License-Identifier: Apache-2.0
// One data directory, killed life after life while clients talk, then audited whole: what they were told against what is kept.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Approver } from './approver.ts';
import { auditJournal } from './audit.ts';
import { auditEffects } from './effects.ts';
import { type Figures, NO_FIGURES } from './figures.ts';
import { freePort, type GatewayProcess, ownerToken, type Place, spawnGateway } from './gateway-process.ts';
import { auditMemory } from './memory.ts';
import type { Life } from './plan.ts';
import { seeded } from './random.ts';
import { Talker } from './talker.ts';
import { heldAgainst, lostOrMoved } from './told.ts';
import { ask, type Wire, wire } from './wire.ts';

export interface RoundResult {
  readonly figures: Figures;
  readonly problems: readonly string[];
  /** Named places that killed. */
  readonly reached: ReadonlySet<string>;
  /** Where the data lies, when it was kept. */
  readonly kept: string | null;
}

export interface RoundOptions {
  readonly seed: number;
  readonly lives: readonly Life[];
  readonly clients: number;
  /** How long a named place may take to be passed, in milliseconds; after that the kill comes anyway. */
  readonly patience_ms: number;
  readonly keep: boolean;
  readonly lived?: (life: Life, reached: boolean) => void;
}

/** Into a life, in milliseconds: when a lull begins, and when an orderly end is asked for that a kill cuts short. */
const LULL_AFTER_MS = 120;
const DRAIN_AFTER_MS = 100;
/** How long everything that was said may take to be answered when nobody kills any more. */
const QUIET_MS = 60_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

class Round {
  readonly figures: Figures = { ...NO_FIGURES };
  readonly problems: string[] = [];
  readonly reached = new Set<string>();
  readonly talkers: Talker[] = [];
  readonly #options: RoundOptions;
  readonly #place: Place;
  readonly #wire: Wire;
  #stopping = false;
  /** Settles when the gateway that runs now listens. */
  #up: Promise<unknown> = Promise.resolve();
  #lull: Promise<void> | undefined;
  #endLull: () => void = () => undefined;
  #approver: Approver | undefined;

  constructor(options: RoundOptions, place: Place) {
    this.#options = options;
    this.#place = place;
    this.#wire = wire(place.port);
  }

  async play(): Promise<void> {
    const { lives, lived } = this.#options;
    let talking: Promise<unknown> | undefined;
    for (const life of lives) {
      const before = this.reached.size;
      const gateway = this.#start(life);
      if (talking === undefined) {
        await this.#knowToken(gateway);
        talking = this.#talk();
      }
      await this.#live(gateway, life);
      this.#resume();
      lived?.(life, this.reached.size > before);
    }
    const last = this.#spawned(spawnGateway(this.#place));
    await this.#knowToken(last);
    talking ??= this.#talk();
    this.#stopping = true;
    const over = await Promise.race([talking.then(() => true), sleep(QUIET_MS).then(() => false)]);
    this.#approver?.stop();
    if (over) this.problems.push(...(await heldAgainst(this.#wire, this.talkers)));
    else this.problems.push(`after ${QUIET_MS / 1000} s without a kill some messages have no answer: ${this.#open()}`);
    // Memory has time: whoever asks it waits until it has caught up.
    await ask(this.#wire, { method: 'GET', path: '/api/v1/memory/search?q=anything' });
    const code = await last.stop();
    if (code !== 0) this.problems.push(`the drained gateway ended with ${code}: ${last.said()}`);
    this.#wire.agent.destroy();
    this.#audit();
  }

  #start({ kill, queue, lull }: Life): GatewayProcess {
    const env: Record<string, string> = { SIGIL_SESSIONS_QUEUE: queue };
    if (kill.kind === 'point') env['SIGIL_KILL_AT'] = `${kill.point}:${kill.nth}`;
    if (lull) env['SIGIL_GATEWAY_SESSION_IDLE_TIMEOUT'] = '1s';
    return this.#spawned(spawnGateway(this.#place, env));
  }

  /** Clients wait for a gateway that listens; one that dies before is followed by another. */
  #spawned(gateway: GatewayProcess): GatewayProcess {
    const up: Promise<unknown> = gateway.listening.then((url) => url ?? this.#after(up));
    this.#up = up;
    return gateway;
  }

  async #after(dead: Promise<unknown>): Promise<unknown> {
    while (this.#up === dead) await sleep(5);
    return await this.#up;
  }

  /** Waits for the first start; the first process may be killed before it has made its token. */
  async #knowToken(gateway: GatewayProcess): Promise<void> {
    let first = gateway;
    while ((await first.listening) === null) {
      first = spawnGateway(this.#place);
      if ((await first.listening) === null) throw new Error(`the gateway does not start: ${first.said()}`);
      this.#wire.token = ownerToken(this.#place.dataDir);
      return void (await first.kill());
    }
    this.#wire.token = ownerToken(this.#place.dataDir);
  }

  #talk(): Promise<unknown> {
    const { clients, seed } = this.#options;
    const round = {
      wire: this.#wire,
      stopping: () => this.#stopping,
      up: () => this.#up,
      lull: () => this.#lull ?? Promise.resolve(),
      problem: (text: string) => void this.problems.push(text),
      figures: this.figures,
    };
    this.#approver = new Approver(this.#wire, seeded(seed * 1_000 - 1));
    void this.#approver.work(round.up);
    for (let at = 0; at < clients; at += 1) {
      // Half of them share a session, two by two: their messages wait for each other's turns, or interrupt them.
      const friend = at % 4 === 1 ? this.talkers[at - 1] : undefined;
      this.talkers.push(new Talker(`client-${at}`, round, seeded(seed * 1_000 + at), friend));
    }
    return Promise.all(this.talkers.map((talker) => talker.talk()));
  }

  async #live(gateway: GatewayProcess, { kill, lull }: Life): Promise<void> {
    const { figures } = this;
    figures.kills += 1;
    if (kill.kind === 'start') {
      figures.kills_in_recovery += 1;
      await sleep(kill.after_ms);
      return await gateway.kill();
    }
    const listens = (await gateway.listening) !== null;
    if (lull && listens) {
      await sleep(LULL_AFTER_MS);
      this.#hold();
    }
    if (kill.kind === 'load') {
      await sleep(kill.after_ms);
      return await gateway.kill();
    }
    if (kill.point.startsWith('recover.') || kill.point.startsWith('start.')) figures.kills_in_recovery += 1;
    if (kill.point.startsWith('drain.')) {
      await sleep(DRAIN_AFTER_MS);
      gateway.child.kill('SIGTERM');
    }
    const ended = await Promise.race([
      gateway.gone.then(() => true),
      sleep(this.#options.patience_ms).then(() => false),
    ]);
    if (ended && gateway.child.signalCode === 'SIGKILL') {
      this.reached.add(kill.point);
      figures.kills_at_points += 1;
    } else if (ended) {
      this.problems.push(`the gateway ended by itself, with ${gateway.child.exitCode}: ${gateway.said()}`);
    }
    await gateway.kill();
  }

  #hold(): void {
    this.#lull = new Promise((resolve) => {
      this.#endLull = resolve;
    });
  }

  #resume(): void {
    this.#endLull();
    this.#lull = undefined;
  }

  #open(): string {
    return this.talkers
      .flatMap(({ said }) => said.filter(({ outcome }) => outcome === 'open'))
      .map(({ message_id, manner, turn_id }) => `${message_id} (${manner}, turn ${turn_id})`)
      .join(', ');
  }

  #audit(): void {
    const { figures } = this;
    const journal = auditJournal(this.#place.dataDir);
    const effects = auditEffects(this.#place.effects, journal.calls, journal.approvals);
    const said = this.talkers.flatMap((talker) => talker.said);
    const memory = auditMemory(this.#place.dataDir);
    this.problems.push(...journal.problems, ...effects.problems, ...memory.problems, ...lostOrMoved(said, journal));
    figures.compactions = memory.compactions;
    this.problems.push(...(this.#approver?.problems(journal.approvals) ?? []));
    figures.messages = said.length;
    figures.poisoned = said.filter(({ outcome }) => outcome === 'poisoned').length;
    figures.turns = journal.turns;
    figures.resumptions = journal.resumed;
    figures.rows = journal.rows;
    figures.effects = effects.effects;
    figures.effect_problems = effects.problems.length;
    figures.effects_repeated = effects.repeated;
    figures.outcome_unknown = effects.outcome_unknown;
    figures.unknown_happened = effects.unknown_happened;
    figures.problems = this.problems.length;
  }
}

/** Plays a round; its data is kept when something was wrong. */
export async function playRound(options: RoundOptions): Promise<RoundResult> {
  const kept = mkdtempSync(join(tmpdir(), 'sigil-crash-'));
  const place = { dataDir: join(kept, 'data'), effects: join(kept, 'effects'), port: await freePort() };
  const round = new Round(options, place);
  await round.play();
  const { figures, problems, reached } = round;
  const remove = problems.length === 0 && !options.keep;
  if (remove) rmSync(kept, { recursive: true });
  return { figures, problems, reached, kept: remove ? null : kept };
}
