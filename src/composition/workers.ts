// SPDX-License-Identifier: Apache-2.0
// Where the root's threads come from: real workers with ports between them, or whatever stands for them in the simulator.

import { setFlagsFromString } from 'node:v8';
import { MessageChannel, SHARE_ENV, type TransferListItem, Worker } from 'node:worker_threads';
import type { Port } from '../bus/ports.ts';
import type { Boot, FromWorker, Prepared, ToWorker } from './boot.ts';
import { MemoryGuard, type MemoryGuardOptions, PIECE_MOST } from './memory-guard.ts';

/** One life of a thread, as the root holds it. */
export interface ThreadProcess {
  /** In order; a port it carries is its own from then on. */
  post(message: ToWorker): void;
  /** Ends it wherever it is. */
  terminate(): void;
}

/** What the root hears of a life, none of it before {@link WorkerHost.spawn} has returned. */
export interface ThreadEvents {
  readonly message: (message: FromWorker) => void;
  /** It ends with this error. */
  readonly error: (error: Error & { readonly code?: string }) => void;
  /** It has ended; the last that is heard. */
  readonly exit: () => void;
}

/** The code of an error that ends a thread because it took too much memory; node's own has the same. */
export const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY';

export interface WorkerHost {
  /** Two ports that are each other's end. */
  channel(): readonly [Port, Port];
  spawn(name: string, boot: Boot, events: ThreadEvents): ThreadProcess;
  /**
   * A life of this thread may be needed soon: what takes time and is the same for each is done before.
   * @param awake_max sessions a lane may have awake
   * @param how `warm`, when not given: with what is loaded only when it is first needed. In a thread that may never need it
   *   that is memory for nothing, but one that takes another's place has people waiting.
   */
  prepare?(name: string, awake_max: number, how?: 'cold' | 'warm'): void;
  /** None is needed any more. */
  dismiss?(): void;
}

/** What a thread may hold in MiB, heap and buffers; past it the thread is ended. A lane gets more for each awake session. */
const MEMORY_MB = { lane: 256, other: 512, each_awake: 0.1 } as const;
/** The wall that far behind in MiB: what its heap may take before V8 itself ends it, and at worst the process. */
const WALL_MB = 1_024;
/** While the process holds less than this in MiB no thread can hold too much. */
const CALM_MB = 256;
/**
 * Young generation in MiB, at most. A third of it is the room for what is new, of which there are two. One that may grow does
 * so by what outlives a collection, at once or after days, and no thread at work gives it back. Turns leave much behind: a lane
 * that has more room collects less, and needs it as soon as it has much to do. What writes begins with all it may have, for
 * that is what the launcher makes the smallest.
 */
const YOUNG_MB: Readonly<Record<string, number>> = { lane: 64, views: 48, journal: 48 };
const YOUNG_OTHER_MB = 16;

/** How long one that was made ready stands there when it is not needed, in milliseconds. */
const SPARE_MS = 60_000;
/**
 * How long after a lane's life has begun the next is made ready, in milliseconds: not while those who waited for the first
 * are answered, and before a turn that ended it is tried again.
 */
const RESTOCK_MS = 500;

interface Spare {
  readonly worker: Worker;
  /** Takes it away when it has not been needed for long. */
  readonly timer: NodeJS.Timeout;
  /** Bytes it may hold. */
  readonly most: number;
  /** It is needed: it is no spare any more. */
  readonly keep: () => void;
  /** It is not. */
  readonly drop: () => void;
}

/** Bytes a thread may hold, by what it is for. */
function mostOf(role: string, awake_max: number): number {
  const { each_awake, lane, other } = MEMORY_MB;
  return Math.round(role === 'lane' ? lane + awake_max * each_awake : other) * 1_048_576;
}

/** What workers are kept by; the process's own where not given. */
export interface WorkersWorld extends Pick<MemoryGuardOptions, 'resident' | 'every'> {
  readonly monotonic: () => number;
}

const PROCESS: WorkersWorld = {
  resident: () => process.memoryUsage.rss(),
  every: (ms, run) => void setInterval(run, ms).unref(),
  monotonic: () => performance.now(),
};

/** @param entryOf the file a worker of a role begins with */
export function realWorkers(entryOf: (role: string) => URL, world: Partial<WorkersWorld> = {}): WorkerHost {
  const { resident, every, monotonic } = { ...PROCESS, ...world };
  // The launcher's bound is the main thread's, which has no other. Left as it is it would go before those of the workers.
  setFlagsFromString('--max-semi-space-size=0');

  /** Lives that have loaded what they need and wait for what they are to be, by role. */
  const spares = new Map<string, Spare>();
  /** The lane's life that began last, and when the next may be made ready. */
  let lane: { readonly name: string; readonly awake_max: number; restock: number } | undefined;

  /**
   * Lanes do what strangers ask for. What fills its memory does it within a fifth of a second, and to load a life takes as
   * much of a processor's time as there may not be by then: once the process is large, where it hardly shows, one stands there.
   */
  const keepLane = (): void => {
    if (lane === undefined) return;
    const spare = spares.get('lane');
    if (spare !== undefined) spare.timer.refresh();
    else if (monotonic() >= lane.restock) prepare(lane.name, lane.awake_max);
  };

  const guard = new MemoryGuard({
    resident,
    calm: CALM_MB * 1_048_576,
    strained: keepLane,
    every,
  });

  const begin = (name: string, data: Boot | Prepared, most: number, ports: readonly TransferListItem[]): Worker =>
    new Worker(entryOf(roleOf(name)), {
      name,
      workerData: data,
      transferList: [...ports],
      // Nobody changes the environment after the start, and a copy for each thread takes time.
      env: SHARE_ENV,
      resourceLimits: {
        maxOldGenerationSizeMb: most / 1_048_576 + WALL_MB,
        maxYoungGenerationSizeMb: YOUNG_MB[roleOf(name)] ?? YOUNG_OTHER_MB,
      },
    });

  const prepare = (name: string, awake_max: number, how: 'cold' | 'warm' = 'warm'): void => {
    const role = roleOf(name);
    if (spares.has(role)) return;
    const most = mostOf(role, awake_max);
    const worker = begin(name, { prepare: name, warm: how === 'warm' }, most, []);
    const forget = (): void => {
      clearTimeout(timer);
      worker.removeListener('error', failed);
      worker.removeListener('exit', failed);
      if (spares.get(role)?.worker === worker) spares.delete(role);
    };
    const drop = (): void => {
      forget();
      void worker.terminate();
    };
    // Without one the next life is begun as the first was, and says itself what is wrong.
    const failed = (): void => {
      forget();
      if (role === 'lane' && lane !== undefined) lane.restock = monotonic() + SPARE_MS;
    };
    const timer = setTimeout(drop, SPARE_MS).unref();
    worker.once('error', failed);
    worker.once('exit', failed);
    worker.unref();
    spares.set(role, { worker, timer, most, keep: forget, drop });
  };

  /** One that is ready, told what it is to be; else a new one. */
  const take = (name: string, boot: Boot): Worker => {
    const ports = boot.wires.map((wire) => wire.port as unknown as TransferListItem);
    const most = mostOf(roleOf(name), boot.config.gateway.awake_max);
    const spare = spares.get(roleOf(name));
    // One that was made ready for other bounds is none.
    if (spare !== undefined && spare.most !== most) spare.drop();
    if (spare?.most !== most) return begin(name, boot, most, ports);
    const { worker } = spare;
    spare.keep();
    worker.ref();
    worker.postMessage({ say: 'boot', boot } satisfies ToWorker, ports);
    return worker;
  };

  return {
    channel: () => {
      const { port1, port2 } = new MessageChannel();
      // A port whose other end has gone closes at once if nothing else lies before that, and nobody listens yet in a thread
      // that begins: it would wait for ever. An empty batch lies before it until somebody does.
      port1.postMessage([]);
      port2.postMessage([]);
      return [port1 as unknown as Port, port2 as unknown as Port];
    },
    prepare,
    dismiss: () => {
      lane = undefined;
      for (const { drop } of [...spares.values()]) drop();
    },
    spawn: (name, boot, events) => {
      const { awake_max } = boot.config.gateway;
      const most = mostOf(roleOf(name), awake_max);
      const worker = take(name, boot);
      if (roleOf(name) === 'lane') lane = { name, awake_max, restock: monotonic() + RESTOCK_MS };
      worker.on('message', events.message);
      worker.on('error', events.error);
      worker.once('exit', () => {
        guard.remove(worker);
        events.exit();
      });
      const beats = new Int32Array(boot.beats);
      const working = new Int32Array(boot.working);
      guard.add(worker, {
        most,
        // The beat goes on with every turn of the loop; 0 is nobody's work.
        piece: () => (Atomics.load(working, boot.thread) === 0 ? 0 : Atomics.load(beats, boot.thread)),
        near: () => prepare(name, awake_max),
        over: ({ bytes, piece }) => {
          const message =
            piece > PIECE_MOST
              ? `It took ${mib(piece)} MiB in one piece of work, of the ${mib(PIECE_MOST)} that one may.`
              : `It holds ${mib(bytes)} MiB of the ${mib(most)} it may.`;
          // First of all: it ends when it comes out of what it is in, a collection of all it holds at worst.
          void worker.terminate();
          events.error(Object.assign(new Error(message), { code: OUT_OF_MEMORY }));
        },
      });
      return {
        post: (message) => {
          const carried = message.say === 'attach' ? [message.wire.port as unknown as TransferListItem] : [];
          worker.postMessage(message, carried);
        },
        terminate: () => void worker.terminate(),
      };
    },
  };
}

function roleOf(name: string): string {
  return name.replace(/-\d+$/, '');
}

function mib(bytes: number): number {
  return Math.round(bytes / 1_048_576);
}
