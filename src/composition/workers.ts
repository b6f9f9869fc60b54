// SPDX-License-Identifier: Apache-2.0
// Where the root's threads come from: real workers with ports between them, or whatever stands for them in the simulator.

import { MessageChannel, SHARE_ENV, type TransferListItem, Worker } from 'node:worker_threads';
import type { Port } from '../bus/ports.ts';
import type { Boot, FromWorker, ToWorker } from './boot.ts';
import { MemoryGuard } from './memory-guard.ts';

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
}

/** What a thread may hold in MiB, heap and buffers; past it the thread is ended. A lane gets more for each awake session. */
const MEMORY_MB = { lane: 256, other: 512, each_awake: 0.1 } as const;
/** The wall that far behind in MiB: what its heap may take before V8 itself ends it, and at worst the process. */
const WALL_MB = 1_024;
/** While the process holds less than this in MiB no thread can hold too much. */
const CALM_MB = 256;
/**
 * Young generation in MiB, at most: it grows with what dies young, so an idle thread does not pay for it. Turns and rows
 * leave much behind; a thread that has room for it collects seldom.
 */
const YOUNG_MB = { busy: 64, other: 16 } as const;
const BUSY: ReadonlySet<string> = new Set(['lane', 'views', 'journal']);

/** @param entry the file a worker begins with */
export function realWorkers(entry: URL): WorkerHost {
  const guard = new MemoryGuard({
    resident: () => process.memoryUsage.rss(),
    calm: CALM_MB * 1_048_576,
    every: (ms, run) => void setInterval(run, ms).unref(),
  });
  return {
    channel: () => {
      const { port1, port2 } = new MessageChannel();
      // A port whose other end has gone closes at once if nothing else lies before that, and nobody listens yet in a thread
      // that begins: it would wait for ever. An empty batch lies before it until somebody does.
      port1.postMessage([]);
      port2.postMessage([]);
      return [port1 as unknown as Port, port2 as unknown as Port];
    },
    spawn: (name, boot, events) => {
      const role = name.replace(/-\d+$/, '');
      const { each_awake, lane, other } = MEMORY_MB;
      const most = role === 'lane' ? Math.round(lane + boot.config.gateway.awake_max * each_awake) : other;
      const worker = new Worker(entry, {
        name,
        workerData: boot,
        transferList: boot.wires.map((wire) => wire.port as unknown as TransferListItem),
        // Nobody changes the environment after the start, and a copy for each thread takes time.
        env: SHARE_ENV,
        resourceLimits: {
          maxOldGenerationSizeMb: most + WALL_MB,
          maxYoungGenerationSizeMb: YOUNG_MB[BUSY.has(role) ? 'busy' : 'other'],
        },
      });
      worker.on('message', events.message);
      worker.on('error', events.error);
      worker.once('exit', () => {
        guard.remove(worker);
        events.exit();
      });
      guard.add(worker, most * 1_048_576, (bytes) => {
        const message = `It holds ${Math.round(bytes / 1_048_576)} MiB of the ${most} it may.`;
        events.error(Object.assign(new Error(message), { code: OUT_OF_MEMORY }));
        void worker.terminate();
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
