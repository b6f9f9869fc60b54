// SPDX-License-Identifier: Apache-2.0
// One run of a plan from beginning to end, and what came of it.

import { rmSync } from 'node:fs';
import { type ArgumentChecks, createArgumentChecks } from '../../src/agent/tools/validate.ts';
import { toFailure } from '../../src/errors.ts';
import { Chance } from './chance.ts';
import { Client } from './client.ts';
import { askedRules, restingRules } from './end-rules.ts';
import { Gateway } from './gateway.ts';
import { Machine, makeScratch } from './machine.ts';
import { Person } from './person.ts';
import type { Fault, Plan } from './plan.ts';
import type { Broken } from './rules.ts';
import { configOf } from './settings.ts';
import { Trace } from './trace.ts';

export interface Outcome {
  readonly hash: string;
  readonly steps: number;
  /** Virtual milliseconds. */
  readonly ms: number;
  readonly rows: number;
  readonly turns: number;
  readonly deaths: number;
  readonly crashes: number;
  readonly toolCalls: number;
  /** The named places that were passed. */
  readonly places: readonly string[];
  readonly broken: Broken | undefined;
  /** The last lines of the trace. */
  readonly last: readonly string[];
}

/** Past these it is taken for stuck. */
const STEPS_MOST = 400_000;
const SETTLE_MS = 900_000;
/** What is left to run when all is answered: until the budget has looked into the record twice. */
const REST_MS = 75_000;
/** Steps between two looks at the buses. */
const LOOK_EVERY = 128;

let checks: ArgumentChecks | undefined;

/** Runs a plan; the same plan gives the same trace, in every process. */
export async function simulate(plan: Plan, all?: (line: string) => void): Promise<Outcome> {
  if (checks === undefined) {
    checks = createArgumentChecks();
    await checks.load();
  }
  const scratch = makeScratch();
  const run = new Run(plan, scratch, checks, all);
  try {
    return await run.whole();
  } finally {
    run.end();
    rmSync(scratch, { recursive: true, force: true });
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

class Run {
  private readonly trace: Trace;
  private readonly machine: Machine;
  private readonly clients: readonly Client[];
  private readonly sessions = new Map<number, string>();
  private readonly waitingFor: { point: string; left: number; readonly whole: boolean }[] = [];
  private readonly faults: Fault[];
  private readonly places = new Set<string>();
  private gateway: Gateway | null = null;
  private processes = 0;
  private deaths = 0;
  private crashes = 0;
  private steps = 0;
  private draining = false;

  constructor(plan: Plan, scratch: string, argumentChecks: ArgumentChecks, all?: (line: string) => void) {
    this.trace = new Trace(all);
    const chance = new Chance(plan.seed);
    this.machine = new Machine({
      plan,
      config: configOf(plan),
      trace: this.trace,
      chance,
      checks: argumentChecks,
      scratch,
    });
    this.faults = [...plan.faults];
    this.machine.passed = (life, point) => {
      this.places.add(point);
      for (const fault of this.waitingFor) {
        if (fault.point !== point || life.dead) continue;
        fault.left -= 1;
        if (fault.left > 0) continue;
        this.waitingFor.splice(this.waitingFor.indexOf(fault), 1);
        this.trace.note(this.machine.clock.now, life.name, `ends at ${point}`);
        if (fault.whole || life.name.startsWith('main')) this.crash(false, 100);
        else this.kill(life.name.slice(0, life.name.indexOf('.')));
        return;
      }
    };
    const opening = new Set<number>();
    const house = {
      machine: this.machine,
      gateway: () => this.gateway,
      session: (of: number) => this.sessions.get(of),
      opened: (of: number, session_id: string) => void this.sessions.set(of, session_id),
    };
    this.clients = plan.messages
      .filter(({ mode }) => mode !== 'chat')
      .map((message) => {
        const opens = !opening.has(message.session);
        opening.add(message.session);
        return new Client(message, opens, house);
      });
    const person = new Person(house);
    this.machine.rules.journal.asked = (stream, request) => person.asked(stream, request);
    this.boot();
  }

  async whole(): Promise<Outcome> {
    const { rules, clock } = this.machine;
    try {
      await this.until(() => this.answered());
      this.faults.length = 0;
      this.waitingFor.length = 0;
      this.machine.outside.platform?.behave();
      await this.until(() => this.answered() && this.gateway?.edge != null && !this.draining);
      const { compactions } = rules.journal;
      // What is summed up behind everybody's back goes on for as long as there is something.
      for (let written = -1; written !== compactions.written && rules.broken === undefined; ) {
        written = compactions.written;
        const rest = clock.now + REST_MS;
        await this.until(() => clock.now >= rest);
      }
      if (rules.broken === undefined) await this.endRules();
    } catch (thrown) {
      rules.broke('fault', thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown));
    }
    return {
      hash: this.trace.hash,
      steps: this.steps,
      ms: clock.now,
      rows: this.machine.file.last,
      turns: rules.journal.turns.size,
      deaths: this.deaths,
      crashes: this.crashes,
      toolCalls: this.machine.outside.toolCalls,
      places: [...this.places],
      broken: rules.broken,
      last: this.trace.last,
    };
  }

  end(): void {
    this.gateway?.crash();
  }

  private async endRules(): Promise<void> {
    const edge = this.gateway?.edge;
    if (edge == null) return;
    restingRules(this.machine);
    let done = false;
    const { rules } = this.machine;
    askedRules(this.machine, edge, this.clients).then(
      () => {
        done = true;
      },
      (thrown: unknown) => {
        done = true;
        rules.broke('views', `asked in the end: ${toFailure(thrown).message}`);
      },
    );
    await settled();
    await this.until(() => done);
  }

  /** Every client has what it waits for, everything is said, and nothing is owed. */
  private answered(): boolean {
    const { file, outside, rules } = this.machine;
    const chatted = outside.platform?.settled !== false && rules.journal.chats.rests;
    return file.state.owed.size === 0 && chatted && this.clients.every((client) => client.settled);
  }

  private async until(reached: () => boolean): Promise<void> {
    const { clock, rules } = this.machine;
    const since = clock.now;
    while (rules.broken === undefined && !reached()) {
      this.breakThings();
      if (!clock.step()) rules.broke('stuck', 'nothing is left to do');
      this.steps += 1;
      if (clock.settle) {
        clock.settle = false;
        await settled();
      }
      if (this.steps % LOOK_EVERY === 0) for (const watch of this.machine.watches) watch.look();
      if (this.steps > STEPS_MOST || clock.now - since > SETTLE_MS) rules.broke('stuck', this.stuck());
    }
  }

  private stuck(): string {
    const waiting = this.clients
      .filter((client) => !client.settled)
      .map(({ message_id, receipt }) => {
        return `${message_id} ${receipt === undefined ? 'is not acknowledged' : 'is not answered'}`;
      });
    for (const key of this.machine.rules.journal.chats.waiting) waiting.push(`${key} is not said`);
    if (this.machine.outside.platform?.settled === false) waiting.push('the platform has messages that are not taken');
    const owed = this.machine.file.state.owed.size;
    return `after ${this.steps} steps and ${Math.round(this.machine.clock.now)} ms: ${owed} owed; ${waiting.join(', ')}`;
  }

  private boot(): void {
    this.processes += 1;
    this.draining = false;
    const { machine } = this;
    machine.rules.disturb();
    const mine = this.processes;
    this.gateway = new Gateway({
      machine,
      number: mine,
      over: (why) => {
        if (mine !== this.processes) return;
        this.trace.note(machine.clock.now, 'main', `over: ${why}`);
        this.crash(false, 200);
      },
    });
  }

  /** What the plan breaks before this step. */
  private breakThings(): void {
    for (let next = this.faults[0]; next !== undefined && next.step <= this.steps; next = this.faults[0]) {
      this.faults.shift();
      this.trace.note(this.machine.clock.now, 'outside', JSON.stringify(next));
      this.break(next);
    }
  }

  private break(fault: Fault): void {
    const { clock, rules, file } = this.machine;
    const { gateway } = this;
    switch (fault.kind) {
      case 'kill':
        return this.kill(fault.thread);
      case 'point':
        this.waitingFor.push({ point: fault.point, left: fault.nth, whole: fault.whole });
        return;
      case 'crash':
        this.crash(fault.ghost, fault.down);
        if (fault.views !== 'kept') this.machine.lose(fault.views);
        return;
      case 'drain':
        if (gateway?.edge == null || this.draining) return;
        this.draining = true;
        rules.disturb(35_000);
        return gateway.drain(() => {
          if (this.gateway === gateway) this.gone(50);
        });
      case 'hold': {
        const life = gateway?.lives.get(fault.thread);
        if (life === undefined || life.dead) return;
        clock.hold(life, fault.ms);
        // Held once more it stands still for both.
        return rules.disturb(life.freeAt - clock.now);
      }
      case 'disk':
        rules.disturb(5_000);
        file.failing = { left: fault.times, how: fault.how };
        return;
      case 'slow':
        file.slow = fault.ms;
        rules.disturb(fault.for);
        clock.schedule(null, fault.for, 'the disk is fast again', () => {
          file.slow = 0;
          rules.disturb(2_000);
        });
        return;
      default:
        fault satisfies never;
    }
  }

  private kill(thread: string): void {
    const life = this.gateway?.lives.get(thread);
    if (life === undefined || life.dead) return;
    this.deaths += 1;
    this.machine.rules.disturb(10_000);
    life.end();
  }

  private crash(ghost: boolean, down: number): void {
    const { gateway, machine } = this;
    if (gateway === null) return;
    this.crashes += 1;
    gateway.crash();
    machine.file.crash(ghost);
    this.gone(down);
  }

  /** The process has ended: its clients notice, and after a while there is another. */
  private gone(down: number): void {
    const { clock, rules } = this.machine;
    this.gateway = null;
    rules.disturb(down + 10_000);
    for (const client of this.clients) client.cut();
    clock.schedule(null, down, 'a process begins', () => this.boot());
  }
}
