// SPDX-License-Identifier: Apache-2.0
// What must hold on every thread's bus: each ask answered exactly once and in its time, nothing growing without a bound.

import type { SigilProtocols } from '../../src/actors/protocols.ts';
import type { Address, Kind } from '../../src/bus/address.ts';
import { WHEEL_MS } from '../../src/bus/asks.ts';
import type { Answer, Envelope } from '../../src/bus/envelope.ts';
import type { BusNode } from '../../src/bus/node.ts';
import type { Receiver } from '../../src/bus/routes.ts';
import type { Failure } from '../../src/errors.ts';
import type { Clock, Life } from './clock.ts';
import type { Rules } from './rules.ts';

interface Asked {
  readonly what: string;
  readonly until: number;
  /** For how long its thread had been held by then. */
  readonly held: number;
}

/** How late an answer may be told: the wheel, and a busy thread's turn. */
const LATE = WHEEL_MS + 500;
const ASKS_MOST = 5_000;

/** One thread's bus, looked at. */
export class BusWatch {
  readonly life: Life;
  readonly bus: BusNode<SigilProtocols>;
  private readonly open = new Set<Asked>();
  private readonly clock: Clock;
  private readonly rules: Rules;
  private readonly backlog: number;

  constructor(life: Life, bus: BusNode<SigilProtocols>, clock: Clock, rules: Rules, backlog: number) {
    this.life = life;
    this.bus = bus;
    this.clock = clock;
    this.rules = rules;
    this.backlog = backlog;
    this.follow();
  }

  /** Looks for asks that are overdue, and at the sizes of what there is. */
  look(): void {
    const { life, rules, clock } = this;
    if (life.dead) return;
    for (const asked of this.open) {
      const late = clock.now - asked.until - (life.held - asked.held);
      if (late > LATE + life.cost * 200)
        rules.broke('time', `${life.name}: ${asked.what} is ${Math.round(late)} ms overdue`);
    }
    const { asks_in_flight, backlog } = this.bus.stats();
    if (asks_in_flight > ASKS_MOST) rules.broke('bounds', `${life.name}: ${asks_in_flight} asks are open`);
    if (backlog > this.backlog) rules.broke('bounds', `${life.name}: ${backlog} messages wait`);
  }

  /** Nothing is under way any more. */
  rests(): void {
    const { life, rules } = this;
    if (life.dead) return;
    for (const asked of this.open) rules.broke('unanswered', `${life.name}: ${asked.what} is still open in the end`);
    const { asks_in_flight, backlog, links } = this.bus.stats();
    if (asks_in_flight + backlog > 0)
      rules.broke('bounds', `${life.name}: ${asks_in_flight} asks, ${backlog} messages are left`);
    for (const { thread, untaken, up } of links) {
      if (up && untaken > 0) rules.broke('unanswered', `${life.name}: ${thread} has not taken ${untaken} messages`);
    }
  }

  /** Somebody who lives and is not hindered answers before the time is over. */
  private judge({ what }: Asked, type: string, within: number, answer: Answer<unknown>): void {
    if (answer.ok || answer.error.code !== 'deadline_exceeded' || type === 'provider.request') return;
    const { clock, rules, life } = this;
    if (clock.now - rules.disturbed > within + 15_000)
      rules.broke('unanswered', `${life.name}: nobody answers ${what}`);
  }

  private follow(): void {
    const { bus, life, clock, rules, open } = this;
    const ask = bus.ask.bind(bus) as (...all: unknown[]) => void;
    const followed = (
      to: string,
      type: string,
      body: unknown,
      options: { readonly within: number },
      answered: (answer: unknown) => void,
    ): void => {
      const asked = { what: `${type} to ${to}`, until: clock.timeOf(life) + options.within, held: life.held };
      open.add(asked);
      let asking = true;
      ask(to, type, body, options, (answer: unknown) => {
        this.judge(asked, type, options.within, answer as Answer<unknown>);
        if (asking) rules.broke('unanswered', `${life.name}: ${asked.what} was answered before it was asked`);
        if (!open.delete(asked)) rules.broke('unanswered', `${life.name}: ${asked.what} was answered twice`);
        answered(answer);
      });
      asking = false;
    };
    Object.assign(bus, { ask: followed });
    this.onceEach();
  }

  /** Whoever is asked answers once; a stream is read after every append that came before the question. */
  private onceEach(): void {
    const { bus, life, rules } = this;
    const done = new WeakSet<Envelope>();
    const appends = new Map<string, Set<Envelope>>();
    const host = bus.host.bind(bus);
    Object.assign(bus, {
      host: (kind: Kind, receiver: Receiver, alive?: (of: Address) => boolean) => {
        const noted: Receiver = (envelope) => {
          if (envelope.type === 'journal.append') {
            const open = appends.get(envelope.from) ?? new Set();
            appends.set(envelope.from, open.add(envelope));
          }
          receiver(envelope);
        };
        host(kind, noted, alive);
      },
    });
    const once = (to: Envelope): void => {
      if (to.deadline === undefined || life.dead) return;
      if (to.type === 'journal.append') appends.get(to.from)?.delete(to);
      if (to.type === 'journal.tail' && (appends.get(to.from)?.size ?? 0) > 0) {
        rules.broke('journal', `${to.from} is read while an append that came before is not committed`);
      }
      if (done.has(to)) rules.broke('unanswered', `${life.name}: ${to.type} to ${to.to} is answered twice`);
      done.add(to);
    };
    const reply = bus.reply.bind(bus);
    const fail = bus.fail.bind(bus);
    Object.assign(bus, {
      reply: (to: Envelope, body: unknown) => {
        once(to);
        reply(to, body);
      },
      fail: (to: Envelope, error: Failure) => {
        once(to);
        fail(to, error);
      },
    });
  }
}
