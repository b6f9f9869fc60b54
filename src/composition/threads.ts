// SPDX-License-Identifier: Apache-2.0
// The threads as the root keeps them: spawns them, wires every one to every other, watches their beat, starts those that end again.

import type { SigilProtocols } from '../actors/protocols.ts';
import type { SkillSet } from '../agent/skills/skill.ts';
import { threadNames } from '../bus/layout.ts';
import type { BusNode } from '../bus/node.ts';
import { Ports } from '../bus/ports.ts';
import { type ExitReason, type History, INTENSITY, type Intensity, NO_HISTORY, onExit } from '../bus/supervision.ts';
import type { ConfigChange } from '../config/change.ts';
import { type Failure, failure, toFailure } from '../errors.ts';
import { EMPTY_TABLE, packTable } from '../stores/directory-table.ts';
import { threadSpec } from '../tree.ts';
import type { World } from '../world.ts';
import type { FromWorker, House, LogLevel, SecretAnswer, Suspect, Wire } from './boot.ts';
import type { DirectoryFeed } from './directory-feed.ts';
import type { ThreadSecrets } from './secrets.ts';
import type { SkillSets } from './skills/here.ts';
import { OUT_OF_MEMORY, type ThreadProcess, type WorkerHost } from './workers.ts';

export interface ThreadsOptions {
  readonly house: House;
  /** Where threads come from. */
  readonly workers: WorkerHost;
  readonly world: World;
  readonly bus: BusNode<SigilProtocols>;
  readonly log: (level: LogLevel, fields: Readonly<Record<string, unknown>>, message: string) => void;
  readonly restarted: (thread: string, reason: ExitReason) => void;
  /** It ended too often: nobody waits for it until it is tried again, `rest_ms` from now. */
  readonly quarantined: (thread: string, error: Failure, rest_ms: number) => void;
  /** One that was quarantined serves again. */
  readonly released?: (thread: string) => void;
  /** The next life of a thread that was lost is in use. */
  readonly restored?: (thread: string, life: number) => void;
  /** A thread that was told to end does not: nothing but the end of the process takes it away. */
  readonly unstoppable?: (thread: string) => void;
  readonly intensity?: Intensity;
  /** Ends a process group that a thread left behind; nothing is done where not given. */
  readonly reap?: (pid: number) => void;
  /** The root's secrets, which the others ask it for; without them nobody gets any. */
  readonly secrets?: ThreadSecrets;
  /** Who there is, told to the threads that ask. */
  readonly directory: DirectoryFeed;
  /** What a lane's life begins with; what changes then comes by {@link Threads.tellSkills}. */
  readonly skills?: () => SkillSets;
}

/** Whether a thread decides by who somebody is. */
function asksWho(name: string): boolean {
  return name.startsWith('lane-') || name.startsWith('io-');
}

const NOBODY = packTable(EMPTY_TABLE);

interface Thread {
  readonly index: number;
  readonly name: string;
  worker: ThreadProcess | null;
  life: number;
  history: History;
  /** What its beat counter said last, and for how long it has said so. */
  beat: number;
  silent_ms: number;
  /** Why it is about to end, when the root knows. */
  ending: ExitReason | null;
  ready: boolean;
  /** It has ended too often: nobody waits for it. Stays so until it serves again. */
  gone: boolean;
  /** Whose work hung or flooded its last life, when that is known. */
  suspect: Suspect | null;
  /** How many lives in a row ended over the same suspect. */
  blamed: number;
  /** What the error said that its last life ended with. */
  said: string;
  /** Called when its present life has ended. */
  ended: () => void;
}

/** How often the watchdog looks, in milliseconds. */
const LOOK_EVERY = 250;
/** The journal may sit in one commit this many times longer than others may be silent. */
const JOURNAL_PATIENCE = 6;
/** So may one that starts: a database is opened, moved forward and repaired in one go. */
const START_PATIENCE = 12;
/**
 * Lives in a row that one suspect may end without the thread being held responsible: its turn runs out of attempts before
 * that, and everybody else of the thread is not to be quarantined with it.
 */
const BLAME_MOST = 3;
/** The share of its patience after which a silent thread's next life is made ready: on a busy machine that takes a second. */
const PREPARE_AT = 0.25;
/** How long threads may take to follow another configuration, in milliseconds: one that hangs is replaced before that. */
const FOLLOW_MS = 15_000;
/** How long a thread that was ended may take to be gone, in milliseconds. Code without a call in its loop never notices. */
const TERMINATE_MS = 10_000;

export class Threads {
  private readonly options: ThreadsOptions;
  private readonly ports: Ports;
  private readonly threads: Thread[];
  private readonly beats: Int32Array;
  private readonly working: Int32Array;
  private readonly intensity: Intensity;
  /** Those a start waits for. */
  private needed: ReadonlySet<Thread> = new Set();
  /** Those that begin once it has come to stand. */
  private behind: readonly Thread[] = [];
  /** Until every needed thread is ready; stays so when one cannot start. */
  private starting = true;
  /** What went wrong while starting: logged if the start comes to stand after all, else its rejection tells. */
  private readonly unsaid: (() => void)[] = [];
  /** Process groups that lives of threads have started and that have not ended. */
  private readonly groups = new Map<ThreadProcess, Set<number>>();
  /** Told to end, replaced already, and not gone yet. */
  private readonly leaving = new Set<ThreadProcess>();
  private log_level: string | undefined;
  /** Of the newest configuration they were told. */
  private version = 0;
  /** By version: what is to hear that a thread follows it, or that its life has ended and the next begins with it. */
  private readonly unsure = new Map<number, (thread: Thread) => void>();
  private stopping = false;
  private stopLooking: () => void = () => undefined;
  private waiting: { resolve: () => void; reject: (error: Failure) => void } | null = null;

  constructor(options: ThreadsOptions) {
    this.options = options;
    this.ports = new Ports(options.bus);
    this.beats = new Int32Array(options.house.beats);
    this.working = new Int32Array(options.house.working);
    this.intensity = options.intensity ?? INTENSITY;
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
        suspect: null,
        blamed: 0,
        said: '',
        ended: () => undefined,
      }));
    options.secrets?.redactor.onAdd((value) => {
      for (const { worker } of this.threads) worker?.post({ say: 'hide', value });
    });
    options.directory.onChange((change) => {
      for (const { name, worker } of this.threads) if (asksWho(name)) worker?.post({ say: 'directory', change });
    });
  }

  /**
   * Starts all; resolves when every one is ready that a start waits for, rejects with the {@link Failure} of the first of them
   * that cannot start. The others begin then: what they are asked meanwhile waits for them.
   *
   * @param resting threads on which nothing lives: they are not started, and cost nothing
   */
  start(resting: ReadonlySet<string> = new Set()): Promise<void> {
    const used = this.threads.filter((thread) => !resting.has(thread.name));
    const needed = used.filter(({ name }) => threadSpec(name).behind !== true);
    this.needed = new Set(needed);
    this.behind = used.filter((thread) => !this.needed.has(thread));
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

  /** What is less than this is not logged from here on, by any thread and any of their next lives. */
  setLogLevel(level: string): void {
    this.log_level = level;
    for (const { worker } of this.threads) worker?.post({ say: 'log_level', level });
  }

  /**
   * A workspace has other skills: every lane is told. Messages reach a lane by other ports than this, so the directory goes on by a
   * version behind it: what is admitted from here on waits at its lane until that has come.
   */
  tellSkills(workspace: string, set: SkillSet): void {
    for (const { name, worker } of this.threads)
      if (name.startsWith('lane-')) worker?.post({ say: 'skills', workspace, set });
    this.options.directory.step();
  }

  /** Starts a thread on which nothing lived until now. */
  wake(name: string): void {
    const thread = this.threads.find((one) => one.name === name);
    if (thread !== undefined && thread.life === 0 && !this.stopping) this.spawn(thread);
  }

  /**
   * Another configuration is in force: every thread is told. One that begins a life meanwhile begins it with that.
   *
   * @param silent is called once every thread follows it, with those that have not said so within their time
   */
  tellConfig(
    { after: config, keys }: Omit<ConfigChange, 'before'>,
    silent: (threads: readonly string[]) => void,
  ): void {
    this.version += 1;
    const { version } = this;
    const told = this.threads.filter(({ worker }) => worker !== null);
    if (told.length === 0) return silent([]);
    const left = new Set(told);
    const over = (): void => {
      giveUp();
      this.unsure.delete(version);
      silent([...left].map(({ name }) => name));
    };
    const giveUp = this.options.world.after(FOLLOW_MS, over);
    this.unsure.set(version, (thread) => {
      if (left.delete(thread) && left.size === 0) over();
    });
    for (const { worker } of told) worker?.post({ say: 'config', version, config, keys });
  }

  /** Ends them in reverse order of start, each within its shutdown time. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.stopLooking();
    for (const thread of [...this.threads].reverse()) {
      const { worker } = thread;
      if (worker === null) continue;
      const ended = new Promise<void>((resolve) => {
        thread.ended = resolve;
      });
      worker.post({ say: 'stop' });
      const giveUp = this.options.world.after(threadSpec(thread.name).shutdown_ms, () => worker.terminate());
      await ended;
      giveUp();
    }
    this.options.workers.dismiss?.();
  }

  private spawn(thread: Thread): void {
    const { house, workers } = this.options;
    thread.life += 1;
    thread.ready = false;
    thread.ending = null;
    thread.said = '';
    thread.beat = -1;
    thread.silent_ms = 0;
    Atomics.store(this.working, thread.index, 0);
    const [own, its] = workers.channel();
    const wires: Wire[] = [{ thread: 0, life: 1, port: its }];
    for (const other of this.threads) {
      if (other === thread || other.worker === null) continue;
      const [one, two] = workers.channel();
      wires.push({ thread: other.index, life: other.life, port: two });
      other.worker.post({ say: 'attach', wire: { thread: thread.index, life: thread.life, port: one } });
    }
    const gone = this.threads.filter((other) => other.gone && other !== thread).map((other) => other.index);
    const hidden = this.options.secrets?.redactor.values() ?? [];
    const directory = asksWho(thread.name) ? this.options.directory.packed() : NOBODY;
    const { index, life, suspect } = thread;
    const skills = thread.name.startsWith('lane-') ? this.options.skills?.() : undefined;
    const boot = {
      ...{ ...house, thread: index, life, wires, gone, suspect, hidden, directory },
      ...(skills === undefined ? {} : { skills }),
      ...(this.log_level === undefined ? {} : { log_level: this.log_level }),
    };
    const worker = workers.spawn(thread.name, boot, {
      message: (message) => this.heard(thread, worker, message),
      error: (error) => {
        this.complain({ thread: thread.name, err: error }, 'a thread ended with an error');
        // One that is replaced already: its next life has not failed.
        if (thread.worker !== worker) return;
        thread.ending ??= error.code === OUT_OF_MEMORY ? 'out_of_memory' : 'error';
        thread.said = error.message;
        if (thread.ending === 'out_of_memory') this.replace(thread, worker);
      },
      exit: () => {
        this.reap(worker);
        this.exited(thread, worker);
      },
    });
    thread.worker = worker;
    this.follows(thread);
    this.ports.attach(thread.index, thread.life, own);
  }

  private heard(thread: Thread, worker: ThreadProcess, message: FromWorker): void {
    if (message.say === 'child') return this.child(worker, message.pid, message.lives);
    if (thread.worker !== worker) return;
    switch (message.say) {
      case 'ready':
        thread.ready = true;
        if (thread.gone) {
          thread.gone = false;
          this.options.released?.(thread.name);
        }
        if (thread.life > 1) this.options.restored?.(thread.name, thread.life);
        if ([...this.needed].every((one) => one.ready)) this.started(null);
        break;
      case 'failed':
        this.complain({ thread: thread.name, error: message.error }, 'a thread could not start');
        this.started(message.error);
        break;
      case 'secret':
        void this.secret(message.written).then((answer) => worker.post({ say: 'secret', ask: message.ask, answer }));
        break;
      case 'configured':
        this.unsure.get(message.version)?.(thread);
        break;
      case 'log':
        for (const { level, fields, message: text } of message.lines)
          this.options.log(level, { thread: thread.name, ...fields }, text);
        break;
      default:
        break;
    }
  }

  /** Its next life begins with whatever is newest. */
  private follows(thread: Thread): void {
    for (const follows of [...this.unsure.values()]) follows(thread);
  }

  private child(worker: ThreadProcess, pid: number, lives: boolean): void {
    const groups = this.groups.get(worker) ?? new Set();
    if (lives) this.groups.set(worker, groups.add(pid));
    else groups.delete(pid);
  }

  /** A life that was ended from outside could not end what it had started. */
  private reap(worker: ThreadProcess): void {
    for (const pid of this.groups.get(worker) ?? []) this.options.reap?.(pid);
    this.groups.delete(worker);
  }

  private async secret(written: string): Promise<SecretAnswer> {
    const { secrets } = this.options;
    if (secrets === undefined) return { ok: false, error: failure('not_found', 'There are no secrets here.') };
    try {
      return { ok: true, value: await secrets.resolve(written) };
    } catch (thrown) {
      return { ok: false, error: toFailure(thrown) };
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
    // Whoever stops them meanwhile may have passed by the place of these.
    if (!this.stopping) for (const thread of this.behind) this.spawn(thread);
    waiting.resolve();
  }

  private complain(fields: Readonly<Record<string, unknown>>, message: string): void {
    const say = (): void => this.options.log('error', fields, message);
    if (this.starting) this.unsaid.push(say);
    else say();
  }

  /**
   * One whose actor alone is to blame has another life begun while its own is still being taken away, which takes as long
   * as giving its memory back. The ports see to it that the next is heard only when this one is gone.
   */
  private replace(thread: Thread, worker: ThreadProcess): void {
    const reason = thread.ending ?? 'error';
    if (this.stopping || !thread.ready || !this.alone(thread, reason)) return;
    this.leaving.add(worker);
    this.blames(thread, reason);
    this.options.restarted(thread.name, reason);
    this.spawn(thread);
  }

  private exited(thread: Thread, worker: ThreadProcess): void {
    this.leaving.delete(worker);
    if (thread.worker !== worker) return;
    thread.ended();
    this.follows(thread);
    thread.worker = null;
    thread.ready = false;
    if (this.stopping) return;
    const { world } = this.options;
    const reason = thread.ending ?? 'error';
    if (this.blames(thread, reason)) {
      this.options.restarted(thread.name, reason);
      world.soon(() => this.stopping || this.spawn(thread));
      return;
    }
    const { decision, history } = onExit(
      threadSpec(thread.name).restart,
      thread.history,
      world.now(),
      world.random(),
      reason,
      this.intensity,
    );
    const tries = thread.history.restarts.length + 1;
    thread.history = history;
    if (decision.do === 'restart') {
      this.options.restarted(thread.name, reason);
      world.after(decision.after_ms, () => this.stopping || this.spawn(thread));
      return;
    }
    if (decision.do === 'done') return;
    this.giveUp(thread);
    // A start that fails over it logs no error, so the sentence has to say it.
    const why = this.starting && thread.said !== '' ? `${reason}: ${thread.said}` : reason;
    const error = failure(
      'thread_lost',
      history.rests > 1
        ? `Thread ${thread.name} ended again after its rest (${why}).`
        : `Thread ${thread.name} ended ${tries} times within a minute (${why}).`,
    );
    this.started(error);
    if (this.stopping) return;
    world.after(decision.rest_ms, () => this.stopping || this.spawn(thread));
    this.options.quarantined(thread.name, error, decision.rest_ms);
  }

  /** Whether one of the thread's actors alone is to blame: then it is, and whatever else runs there was only in its way. */
  private alone(thread: Thread, reason: ExitReason): boolean {
    const mark = Atomics.load(this.working, thread.index);
    if (mark === 0 || (reason !== 'hung' && reason !== 'out_of_memory')) return false;
    return mark !== thread.suspect?.mark || thread.blamed < BLAME_MOST;
  }

  /** The same, noted: its next life is told whom to look at. */
  private blames(thread: Thread, reason: ExitReason): boolean {
    const alone = this.alone(thread, reason);
    const mark = Atomics.load(this.working, thread.index);
    thread.blamed = mark === thread.suspect?.mark ? thread.blamed + 1 : 1;
    thread.suspect = mark !== 0 && (reason === 'hung' || reason === 'out_of_memory') ? { mark, reason } : null;
    return alone;
  }

  /** Everybody learns that nobody answers for this thread any more. */
  private giveUp(thread: Thread): void {
    thread.gone = true;
    this.options.bus.gone(thread.index);
    for (const { worker } of this.threads) {
      worker?.post({ say: 'gone', thread: thread.index });
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
    const alive = beat !== thread.beat || late;
    thread.beat = beat;
    thread.silent_ms = alive ? 0 : thread.silent_ms + LOOK_EVERY;
    if (thread.worker === null || thread.ending !== null) return;
    const patience = this.patienceWith(thread);
    // Its next life may be needed soon.
    if (thread.silent_ms >= patience * PREPARE_AT && thread.ready)
      this.options.workers.prepare?.(thread.name, this.options.house.config.gateway.awake_max);
    if (thread.silent_ms < patience) return;
    thread.ending = 'hung';
    this.options.log(
      'error',
      { thread: thread.name, silent_ms: thread.silent_ms },
      'a thread does not answer and is replaced',
    );
    const { worker } = thread;
    this.end(thread, worker);
    this.replace(thread, worker);
  }

  private patienceWith(thread: Thread): number {
    const times = thread.ready ? (thread.name === 'journal' ? JOURNAL_PATIENCE : 1) : START_PATIENCE;
    return this.options.house.config.gateway.watchdog * times;
  }

  private end(thread: Thread, worker: ThreadProcess): void {
    worker.terminate();
    this.options.world.after(TERMINATE_MS, () => {
      if (thread.worker === worker || this.leaving.has(worker)) this.options.unstoppable?.(thread.name);
    });
  }
}
