// SPDX-License-Identifier: Apache-2.0
// Loaded before a gateway's own program: ends the present life of a thread, as a crash of its own would, when its parent says so.

import { syncBuiltinESMExports } from 'node:module';
import threads, { isMainThread, type Worker } from 'node:worker_threads';
import { threadNames } from '../../src/bus/layout.ts';
import type { Boot, ToWorker } from '../../src/composition/boot.ts';

/** The present life of each thread, by its name. One that only stands ready is none until it is told what it is to be. */
const lives = new Map<string, Worker>();

function enter({ layout, thread }: Boot, worker: Worker): void {
  const name = threadNames(layout)[thread] ?? '';
  lives.set(name, worker);
  worker.once('exit', () => {
    if (lives.get(name) === worker) lives.delete(name);
  });
}

function isBoot(data: unknown): data is Boot {
  return typeof data === 'object' && data !== null && 'layout' in data && 'thread' in data;
}

if (isMainThread && process.send !== undefined) {
  threads.Worker = class extends threads.Worker {
    constructor(...[file, options]: ConstructorParameters<typeof Worker>) {
      super(file, options);
      const data: unknown = options?.workerData;
      if (isBoot(data)) enter(data, this);
    }

    override postMessage(...message: Parameters<Worker['postMessage']>): void {
      const told: ToWorker | undefined = message[0];
      if (told?.say === 'boot') enter(told.boot, this);
      super.postMessage(...message);
    }
  };
  syncBuiltinESMExports();
  process.on('message', (name: string) => {
    const life = lives.get(name);
    if (life === undefined) return void process.send?.({ none: name });
    life.once('exit', () => process.send?.({ ended: name }));
    void life.terminate();
  });
  process.channel?.unref();
}
