// SPDX-License-Identifier: Apache-2.0
// Threads as they really are: ports that are listened to late, and lives that were made ready before they were needed.

import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { type TransferListItem, Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import type { Boot, FromWorker } from '../../src/composition/boot.ts';
import { realWorkers } from '../../src/composition/workers.ts';
import { defaultConfig } from '../../src/config/schema.ts';
import { EMPTY_TABLE, packTable } from '../../src/stores/directory-table.ts';

/** Turns of the thread's loop in which the close arrives and nobody listens yet. */
const TURNS = 50;

it('tells a thread that listens late that the other end has gone before it ever said anything', async () => {
  const [own, its] = realWorkers(() => new URL('file:///nowhere')).channel();
  const port = its as unknown as TransferListItem;
  const worker = new Worker(new URL('./late-listener.ts', import.meta.url), {
    workerData: { port },
    transferList: [port],
  });
  own.close();
  for (let turn = 0; turn < TURNS; turn += 1) {
    worker.postMessage('turn');
    await once(worker, 'message');
  }
  worker.postMessage('listen');
  expect(await once(worker, 'message')).toEqual(['closed']);
});

/** Begins a life of a thread that says how it was born, and waits until it has. */
async function bornOf(host: ReturnType<typeof realWorkers>, name: string): Promise<FromWorker> {
  const cells = () => new SharedArrayBuffer(64);
  const house = { layout: { lanes: 2, io: 1 }, config: defaultConfig(), data_dir: '/nowhere', counters: cells() };
  const boot: Boot = {
    ...house,
    ...{
      beats: cells(),
      working: cells(),
      thread: 1,
      life: 1,
      wires: [],
      gone: [],
      suspect: null,
      hidden: [],
      directory: packTable(EMPTY_TABLE),
    },
  };
  return await new Promise((resolve, reject) => {
    const life = host.spawn(name, boot, {
      message: (message) => {
        life.terminate();
        resolve(message);
      },
      error: reject,
      exit: () => undefined,
    });
  });
}

it('gives a life that was made ready to the thread of that role that needs one, and to one only', async () => {
  const host = realWorkers(() => new URL('./born-thread.ts', import.meta.url));
  const house = { layout: { lanes: 2, io: 1 }, config: defaultConfig(), data_dir: '/nowhere' };
  host.prepare?.('lane-1', house.config.gateway.awake_max);
  expect(await bornOf(host, 'views')).toMatchObject({ lines: [{ message: 'born' }] });
  expect(await bornOf(host, 'lane-2')).toMatchObject({ lines: [{ message: 'prepared as lane-1' }] });
  expect(await bornOf(host, 'lane-1')).toMatchObject({ lines: [{ message: 'born' }] });
  host.dismiss?.();
});

it('has a lane ready once the process is large, but not while one has just begun', async () => {
  let resident = 0;
  let now = 0;
  let look = (): void => undefined;
  const host = realWorkers(() => new URL('./born-thread.ts', import.meta.url), {
    resident: () => resident,
    every: (_, run) => {
      look = run;
    },
    monotonic: () => now,
  });
  look();
  expect(await bornOf(host, 'lane-1')).toMatchObject({ lines: [{ message: 'born' }] });
  now += 10_000;
  look();
  expect(await bornOf(host, 'lane-1')).toMatchObject({ lines: [{ message: 'born' }] });
  resident = 1_024 * 1_048_576;
  look();
  expect(await bornOf(host, 'lane-1')).toMatchObject({ lines: [{ message: 'born' }] });
  now += 10_000;
  look();
  look();
  expect(await bornOf(host, 'views')).toMatchObject({ lines: [{ message: 'born' }] });
  expect(await bornOf(host, 'lane-2')).toMatchObject({ lines: [{ message: 'prepared as lane-1' }] });
  look();
  expect(await bornOf(host, 'lane-1')).toMatchObject({ lines: [{ message: 'born' }] });
  now += 10_000;
  look();
  host.dismiss?.();
  look();
  expect(await bornOf(host, 'lane-1')).toMatchObject({ lines: [{ message: 'born' }] });
  host.dismiss?.();
});

it('does not make a lane ready over and over that cannot be', async () => {
  let now = 0;
  let look = (): void => undefined;
  const begun: Worker[] = [];
  const note = (worker: Worker): void => void begun.push(worker);
  process.on('worker', note);
  const host = realWorkers(() => new URL('./fails-when-prepared.ts', import.meta.url), {
    resident: () => 1_024 * 1_048_576,
    every: (_, run) => {
      look = run;
    },
    monotonic: () => now,
  });
  try {
    await bornOf(host, 'lane-1');
    now += 1_000;
    look();
    const [worker] = (await once(process, 'worker')) as [Worker];
    await new Promise((resolve) => worker.once('exit', resolve));
    expect(begun).toHaveLength(2);
    now += 1_000;
    look();
    await new Promise((resolve) => setImmediate(resolve));
    expect(begun).toHaveLength(2);
    now += 60_000;
    look();
    await once(process, 'worker');
    expect(begun).toHaveLength(3);
  } finally {
    process.off('worker', note);
    host.dismiss?.();
  }
});

it('does not give a life that was made ready for other bounds', async () => {
  const host = realWorkers(() => new URL('./born-thread.ts', import.meta.url));
  host.prepare?.('lane-1', 7);
  expect(await bornOf(host, 'lane-1')).toMatchObject({ lines: [{ message: 'born' }] });
  host.dismiss?.();
});

it('keeps each thread to its own bound of what is new, whatever the bound of the main thread', async () => {
  // As the launcher has it.
  setFlagsFromString('--min-semi-space-size=16');
  setFlagsFromString('--max-semi-space-size=16');
  try {
    const host = realWorkers(() => new URL('./young-thread.ts', import.meta.url));
    expect(await bornOf(host, 'views')).toMatchObject({ lines: [{ message: '32 MiB' }] });
    expect(await bornOf(host, 'journal')).toMatchObject({ lines: [{ message: '32 MiB' }] });
    expect(await bornOf(host, 'lane-1')).toMatchObject({ lines: [{ message: '64 MiB' }] });
    expect(await bornOf(host, 'read')).toMatchObject({ lines: [{ message: '16 MiB' }] });
    host.dismiss?.();
  } finally {
    setFlagsFromString('--min-semi-space-size=0');
    setFlagsFromString('--max-semi-space-size=0');
  }
});
