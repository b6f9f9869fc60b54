// SPDX-License-Identifier: Apache-2.0
// One process of the gateway on the simulated machine: the real root, its threads and its edge's ports, in one node thread.

import { address } from '../../src/bus/address.ts';
import { SharedCounter } from '../../src/bus/counter.ts';
import { MAIN, threadNames } from '../../src/bus/layout.ts';
import type { House } from '../../src/composition/boot.ts';
import { createContext, type ThreadContext } from '../../src/composition/context.ts';
import { askToDrain, startMain, threadLost } from '../../src/composition/main-role.ts';
import { RootDirectory } from '../../src/composition/root-directory.ts';
import { startThreadLife, type ThreadLife } from '../../src/composition/thread-life.ts';
import { Threads } from '../../src/composition/threads.ts';
import type { ThreadEvents, ThreadProcess, WorkerHost } from '../../src/composition/workers.ts';
import type { EdgePorts } from '../../src/edge/ports.ts';
import { type Failure, toFailure } from '../../src/errors.ts';
import { createReadStore, createSeqTracker } from '../../src/stores/remote/read-store.ts';
import type { Life } from './clock.ts';
import type { Machine } from './machine.ts';
import { SimPort, simChannel } from './ports.ts';

export interface GatewayOptions {
  readonly machine: Machine;
  /** Counts the processes, from 1. */
  readonly number: number;
  /** It has ended by itself: a part it cannot do without is not started again, or it could not start. */
  readonly over: (why: string) => void;
}

/** How long a worker takes to be there, and to be gone, in milliseconds. */
const BOOT_MS = { from: 2, to: 60 } as const;
const EXIT_MS = { from: 0, to: 20 } as const;

export class Gateway {
  readonly main: Life;
  /** What the edge's code is given; null while the gateway takes no requests. */
  edge: EdgePorts | null = null;
  /** The present life of each thread. */
  readonly lives = new Map<string, Life>();
  private readonly options: GatewayOptions;
  private readonly machine: Machine;
  private readonly context: ThreadContext;
  private readonly threads: Threads;
  private readonly stopMain: () => void;
  private threadLost: (thread: number) => void = () => undefined;
  private drained: () => void = () => undefined;

  constructor(options: GatewayOptions) {
    this.options = options;
    const { machine } = options;
    this.machine = machine;
    const { config, plan, clock } = machine;
    const layout = { lanes: plan.lanes, io: 1 };
    const names = threadNames(layout);
    const house: House = {
      layout,
      config,
      data_dir: machine.dataDir,
      counters: new SharedArrayBuffer(SharedCounter.bytes(names.length)),
      beats: new SharedArrayBuffer(names.length * Int32Array.BYTES_PER_ELEMENT),
      working: new SharedArrayBuffer(names.length * Int32Array.BYTES_PER_ELEMENT),
    };
    this.main = machine.life(`main.${options.number}.1`);
    const world = machine.world(this.main);
    this.context = createContext({
      house,
      index: MAIN,
      life: 1,
      world,
      log: () => undefined,
      point: machine.point(this.main),
      drain: (done) => done(),
      onDown: (thread) => this.threadLost(thread),
      heartbeat: machine.heartbeat(this.main, world, house.beats, MAIN),
      bounds: this.bounds,
    });
    const { bus } = this.context;
    machine.watch(this.main, bus);
    const from = address('thread', 'main');
    const directory = new RootDirectory(this.context, config);
    this.threads = new Threads({
      house,
      workers: this.workers(house),
      world,
      bus,
      directory: directory.people,
      log: () => undefined,
      restarted: (thread, reason) => {
        bus.send(address('gateway', 'root'), 'gateway.thread_restarted', { thread, reason }, { from });
      },
      quarantined: (thread, error) => this.fail(`${thread}: ${error.message}`),
    });
    const seen = createSeqTracker();
    const { actors: main } = startMain(this.context, {
      directory,
      quarantined: () => [],
      drained: () => this.drained(),
      acknowledged: (seq) => seen.note(seq),
    });
    this.stopMain = () => main.stop();
    this.threadLost = (thread) => threadLost(this.context, main, thread);
    this.main.atEnd(() => this.crash());
    clock.settle = true;
    const resting = new Set(plan.chat === undefined ? names.filter((name) => name.startsWith('io-')) : []);
    this.threads.start(resting).then(
      () => {
        if (this.main.dead) return;
        bus.send(address('gateway', 'root'), 'gateway.started', {}, { from });
        bus.ask(address('store', 'journal'), 'journal.stats', {}, { from, within: 10_000 }, (answer) => {
          if (answer.ok) seen.began(answer.body.seq);
        });
        const store = createReadStore({ bus, from, seen });
        this.edge = { bus, store, world } as unknown as EdgePorts;
      },
      (thrown: Failure) => this.fail(thrown.message),
    );
  }

  /** Ends every life at once. */
  crash(): void {
    this.edge = null;
    for (const life of this.lives.values()) life.end();
    this.main.end();
  }

  /** The orderly end; `done` once the process is gone. */
  drain(done: () => void): void {
    const { bus } = this.context;
    this.machine.point(this.main)('drain.begun');
    this.drained = () => {
      this.machine.point(this.main)('drain.lanes_done');
      if (this.main.dead) return;
      this.edge = null;
      this.threads.stop().then(
        () => {
          this.stopMain();
          bus.close();
          this.main.end();
          done();
        },
        (thrown: unknown) => this.machine.rules.broke('drain', toFailure(thrown).message),
      );
    };
    askToDrain(this.context, 'a test');
  }

  private get bounds(): { readonly window: number; readonly checkClone: true } {
    return { window: this.machine.plan.settings.window, checkClone: true };
  }

  private fail(why: string): void {
    if (!this.main.dead) this.options.over(why);
  }

  private workers(house: House): WorkerHost {
    const { machine, main } = this;
    const { clock, chance } = machine;
    const beginning = chance.fork('boot');
    return {
      channel: () => {
        const [own, its] = simChannel(clock, machine.delay, machine.posts);
        // Until it is given away, an end is the root's.
        return [own, its];
      },
      spawn: (name, boot, events): ThreadProcess => {
        const life = machine.life(`${name}.${this.options.number}.${boot.life}`);
        this.lives.set(name, life);
        for (const { port } of boot.wires) {
          if (!(port instanceof SimPort)) throw new Error('a port of another kind');
          port.own(life);
          if (boot.wires[0]?.port === port) port.other?.own(main);
        }
        return this.spawned(name, boot, life, house, events, () => beginning.between(BOOT_MS.from, BOOT_MS.to));
      },
    };
  }

  private spawned(
    name: string,
    boot: Parameters<WorkerHost['spawn']>[1],
    life: Life,
    house: House,
    events: ThreadEvents,
    takes: () => number,
  ): ThreadProcess {
    const { machine, main } = this;
    const { clock, chance, rules } = machine;
    const said: Parameters<ThreadLife['hear']>[0][] = [];
    let running: ThreadLife | undefined;
    let toRoot = 0;
    const tell = (what: string, run: () => void): void => {
      toRoot = Math.max(toRoot, clock.now + machine.delay());
      clock.schedule(main, toRoot - clock.now, what, run);
    };
    life.atEnd(() => {
      rules.disturb();
      clock.schedule(main, chance.between(EXIT_MS.from, EXIT_MS.to), `${name} exits`, events.exit);
    });
    clock.schedule(life, takes(), 'begins', () => {
      const world = machine.world(life);
      clock.settle = true;
      running = startThreadLife({
        boot,
        world,
        point: machine.point(life),
        heartbeat: machine.heartbeat(life, world, house.beats, boot.thread),
        bounds: this.bounds,
        say: (message) => {
          if (!life.dead) tell(`${name} says ${message.say}`, () => events.message(message));
        },
        role: async () => machine.role(name, life),
        ended: () => life.end(),
      });
      running.started.catch((thrown: unknown) => {
        if (life.dead) return;
        tell(`${name} fails`, () => events.error(thrown instanceof Error ? thrown : new Error(String(thrown))));
        life.end();
      });
      for (const message of said.splice(0)) running.hear(message);
    });
    let fromRoot = 0;
    return {
      post: (message) => {
        if (message.say === 'attach' && message.wire.port instanceof SimPort) message.wire.port.own(life);
        fromRoot = Math.max(fromRoot, clock.now + machine.delay());
        clock.schedule(life, fromRoot - clock.now, `hears ${message.say}`, () => {
          if (running === undefined) said.push(message);
          else running.hear(message);
        });
      },
      terminate: () => void clock.schedule(null, chance.next(), `${name} is terminated`, () => life.end()),
    };
  }
}
