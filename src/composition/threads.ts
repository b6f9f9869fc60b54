// SPDX-License-Identifier: Apache-2.0
// The threads as the root keeps them: spawns them, wires every one to every other, watches their beat, starts those that end again.

import { MessageChannel, SHARE_ENV, type TransferListItem, Worker } from 'node:worker_threads';
import type { SigilProtocols } from '../actors/protocols.ts';
import { threadNames } from '../bus/layout.ts';
import type { BusNode } from '../bus/node.ts';
import { type Port, Ports } from '../bus/ports.ts';
import { type ExitReason, type History, NO_HISTORY, onExit } from '../bus/supervision.ts';
import { type Failure, failure } from '../errors.ts';
import { threadSpec } from '../tree.ts';
import type { World } from '../world.ts';
import type { Boot, FromWorker, House, LogLevel, ToWorker, Wire } from './boot.ts';

export interface ThreadsOptions {
  readonly house: House;
  /** The file a worker begins with. */
  readonly entry: URL;
  readonly world: World;
  readonly bus: BusNode<SigilProtocols>;
  readonly log: (level: LogLevel, fields: Readonly<Record<string, unknown>>, message: string) => void;
  readonly restarted: (thread: string, reason: ExitReason) => void;
  readonly quarantined: (thread: string, error: Failure) => void;
}

interface Thread {
  readonly index: number;
  readonly name: string;
  worker: Worker | null;
  life: number;
  history: History;
  /** What its beat counter said last, and for how long it has said so. */
  beat: number;
  silent_ms: number;
  /** Why it is about to end, when the root knows. */
  ending: ExitReason | null;
  ready: boolean;
  /** It has ended too often and is not started again. */
  gone: boolean;
  /** What the error said that its last life ended with. */
  said: string;
}

/** How often the watchdog looks, in milliseconds. */
const LOOK_EVERY = 250;
/** The journal may sit in one commit this many times longer than others may be silent. */
const JOURNAL_PATIENCE = 6;
/** Memory of a thread's heap in MiB; past it the thread ends with an error instead of taking the process with it. */
const HEAP_MB = { lane: 2_048, other: 768 } as const;
/**
 * Young generation in MiB, at most: it grows with what dies young, so an idle thread does not pay for it. Turns and rows
 * leave much behind; a thread that has room for it collects seldom.
 */
const YOUNG_MB = { busy: 64, other: 16 } as const;
const BUSY: ReadonlySet<string> = new Set(['lane', 'views', 'journal']);

export class Threads {
  private readonly options: ThreadsOptions;
  private readonly ports: Ports;
  private readonly threads: Thread[];
  private readonly beats: Int32Array;
  /** Those a start waits for. */
  private needed: ReadonlySet<Thread> = new Set();
  /** Until every needed thread is ready; stays so when one cannot start. */
  private starting = true;
  /** What went wrong while starting: logged if the start comes to stand after all, else its rejection tells. */
  private readonly unsaid: (() => void)[] = [];
  private stopping = false;
  private stopLooking: () => void = () => undefined;
  private waiting: { resolve: () => void; reject: (error: Failure) => void } | null = null;

  constructor(options: ThreadsOptions) {
    this.options = options;
    this.ports = new Ports(options.bus);
    this.beats = new Int32Array(options.house.beats);
    this.threads = threadNames(options.house.layout)
      .map((name, index) => ({ index, name }))
      .slice(1)
      .map((thread) => ({
        ...thread,
        worker: null,
        life: 0,
        history: NO_HISTORY,
        beat: -1,
        silent_ms: 0,
        ending: null,
        ready: false,
        gone: false,
        said: '',
      }));
  }

  /**
   * Starts all; resolves when every one is ready, rejects with the {@link Failure} of the first that cannot start.
   *
   * @param resting threads on which nothing lives: they are not started, and cost nothing
   */
  start(resting: ReadonlySet<string> = new Set()): Promise<void> {
    const needed = this.threads.filter((thread) => !resting.has(thread.name));
    this.needed = new Set(needed);
    return new Promise<void>((resolve, reject) => {
      this.waiting = { resolve, reject };
      for (const thread of needed) this.spawn(thread);
      this.look(this.options.world.monotonic());
    });
  }

  /** Restarts so far by thread. */
  lives(): readonly { readonly thread: string; readonly life: number; readonly ready: boolean }[] {
    return this.threads.map(({ name, life, ready }) => ({ thread: name, life, ready }));
  }

  /** Ends them in reverse order of start, each within its shutdown time. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.stopLooking();
    for (const thread of [...this.threads].reverse()) {
      const { worker } = thread;
      if (worker === null) continue;
      const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
      worker.postMessage({ say: 'stop' } satisfies ToWorker);
      const giveUp = this.options.world.after(threadSpec(thread.name).shutdown_ms, () => void worker.terminate());
      await ended;
      giveUp();
    }
  }

  private spawn(thread: Thread): void {
    const { house, entry } = this.options;
    thread.life += 1;
    thread.ready = false;
    thread.ending = null;
    thread.said = '';
    thread.beat = -1;
    thread.silent_ms = 0;
    const own = new MessageChannel();
    const wires: Wire[] = [{ thread: 0, life: 1, port: own.port2 }];
    for (const other of this.threads) {
      if (other === thread || other.worker === null) continue;
      const { port1, port2 } = new MessageChannel();
      wires.push({ thread: other.index, life: other.life, port: port2 });
      const wire = { thread: thread.index, life: thread.life, port: port1 };
      other.worker.postMessage({ say: 'attach', wire } satisfies ToWorker, [port1]);
    }
    const gone = this.threads.filter((other) => other.gone).map((other) => other.index);
    const boot: Boot = { ...house, thread: thread.index, life: thread.life, wires, gone };
    const role = thread.name.replace(/-\d+$/, '');
    const worker = new Worker(entry, {
      name: thread.name,
      workerData: boot,
      transferList: wires.map((wire) => wire.port) as TransferListItem[],
      // Nobody changes the environment after the start, and a copy for each thread takes time.
      env: SHARE_ENV,
      resourceLimits: {
        maxOldGenerationSizeMb: HEAP_MB[role === 'lane' ? 'lane' : 'other'],
        maxYoungGenerationSizeMb: YOUNG_MB[BUSY.has(role) ? 'busy' : 'other'],
      },
    });
    thread.worker = worker;
    worker.on('message', (message: FromWorker) => this.heard(thread, worker, message));
    worker.on('error', (error: Error & { code?: string }) => {
      thread.ending ??= error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'out_of_memory' : 'error';
      thread.said = error.message;
      this.complain({ thread: thread.name, err: error }, 'a thread ended with an error');
    });
    worker.once('exit', () => this.exited(thread, worker));
    this.ports.attach(thread.index, thread.life, own.port1 as unknown as Port);
  }

  private heard(thread: Thread, worker: Worker, message: FromWorker): void {
    if (thread.worker !== worker) return;
    switch (message.say) {
      case 'ready':
        thread.ready = true;
        if ([...this.needed].every((one) => one.ready)) this.started(null);
        break;
      case 'failed':
        this.complain({ thread: thread.name, error: message.error }, 'a thread could not start');
        this.started(message.error);
        break;
      case 'log':
        this.options.log(message.level, { thread: thread.name, ...message.fields }, message.message);
        break;
      default:
        break;
    }
  }

  private started(error: Failure | null): void {
    const { waiting } = this;
    if (waiting === null) return;
    this.waiting = null;
    if (error !== null) {
      // Whoever waited ends the others now: none is to come back meanwhile.
      this.stopping = true;
      waiting.reject(error);
      return;
    }
    this.starting = false;
    for (const say of this.unsaid.splice(0)) say();
    waiting.resolve();
  }

  private complain(fields: Readonly<Record<string, unknown>>, message: string): void {
    const say = (): void => this.options.log('error', fields, message);
    if (this.starting) this.unsaid.push(say);
    else say();
  }

  private exited(thread: Thread, worker: Worker): void {
    if (thread.worker !== worker) return;
    thread.worker = null;
    thread.ready = false;
    if (this.stopping) return;
    const { world } = this.options;
    const reason = thread.ending ?? 'error';
    const { decision, history } = onExit(
      threadSpec(thread.name).restart,
      thread.history,
      world.now(),
      world.random(),
      reason,
    );
    thread.history = history;
    if (decision.do === 'restart') {
      this.options.restarted(thread.name, reason);
      world.after(decision.after_ms, () => this.stopping || this.spawn(thread));
      return;
    }
    this.giveUp(thread);
    // The history has the ends after which it was started again; this one is not among them. A start that fails over it
    // logs no error, so the sentence has to say it.
    const why = this.starting && thread.said !== '' ? `${reason}: ${thread.said}` : reason;
    const error = failure(
      'thread_lost',
      `Thread ${thread.name} ended ${history.length + 1} times within a minute (${why}) and is not started again.`,
    );
    this.options.quarantined(thread.name, error);
    this.started(error);
  }

  /** Everybody learns that nobody answers for this thread any more. */
  private giveUp(thread: Thread): void {
    thread.gone = true;
    this.options.bus.gone(thread.index);
    for (const { worker } of this.threads) {
      worker?.postMessage({ say: 'gone', thread: thread.index } satisfies ToWorker);
    }
  }

  /** A thread whose loop has not turned for too long is ended; the root's own lateness is not held against it. */
  private look(before: number): void {
    this.stopLooking = this.options.world.after(LOOK_EVERY, () => {
      const now = this.options.world.monotonic();
      const late = now - before > 2 * LOOK_EVERY;
      for (const thread of this.threads) this.lookAt(thread, late);
      this.look(now);
    });
  }

  private lookAt(thread: Thread, late: boolean): void {
    const beat = Atomics.load(this.beats, thread.index);
    const alive = beat !== thread.beat || !thread.ready || late;
    thread.beat = beat;
    thread.silent_ms = alive ? 0 : thread.silent_ms + LOOK_EVERY;
    const patience = this.options.house.config.gateway.watchdog * (thread.name === 'journal' ? JOURNAL_PATIENCE : 1);
    if (thread.silent_ms < patience || thread.worker === null || thread.ending !== null) return;
    thread.ending = 'hung';
    this.options.log(
      'error',
      { thread: thread.name, silent_ms: thread.silent_ms },
      'a thread does not answer and is replaced',
    );
    void thread.worker.terminate();
  }
}
