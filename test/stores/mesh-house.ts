// SPDX-License-Identifier: Apache-2.0
// The root and the three stores on four bus nodes of one thread, with real ports between them, real files and the real clock.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { address } from '../../src/bus/address.ts';
import { SharedCounter } from '../../src/bus/counter.ts';
import { portPair } from '../../src/bus/in-process.ts';
import { JOURNAL, MAIN, READ, threadNames, VIEWS } from '../../src/bus/layout.ts';
import { Ports } from '../../src/bus/ports.ts';
import type { House } from '../../src/composition/boot.ts';
import { createContext, type ThreadContext } from '../../src/composition/context.ts';
import { journalRole } from '../../src/composition/journal-role.ts';
import { startMain } from '../../src/composition/main-role.ts';
import { mintToken } from '../../src/composition/owner-token.ts';
import { mintCode } from '../../src/composition/pairing-code.ts';
import { startRead } from '../../src/composition/read-role.ts';
import { realWorld } from '../../src/composition/real-world.ts';
import { RootDirectory } from '../../src/composition/root-directory.ts';
import { startViews } from '../../src/composition/views-role.ts';
import { type Config, ConfigSchema } from '../../src/config/schema.ts';
import type { GatewayStore } from '../../src/stores/gateway-store.ts';
import { createRemoteGatewayStore } from '../../src/stores/remote/gateway-store.ts';
import { createReadStore, createSeqTracker } from '../../src/stores/remote/read-store.ts';
import { openJournal } from '../../src/stores/sqlite/open.ts';
import { createUsageStore, type UsageStore } from '../../src/stores/usage-store.ts';

export interface MeshHouse {
  readonly gateway: GatewayStore;
  readonly usage: UsageStore;
  readonly directory: RootDirectory;
  readonly main: ThreadContext;
  readonly dir: string;
  close(): Promise<void>;
}

/** @param settings as the config file has them */
export async function openMeshHouse(settings: Readonly<Record<string, unknown>> = {}): Promise<MeshHouse> {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-mesh-'));
  const layout = { lanes: 1, io: 1 };
  const names = threadNames(layout);
  const config = ConfigSchema.parse({ storage: { durability: 'normal' }, ...settings }) as Config;
  const house: House = {
    layout,
    config,
    data_dir: dir,
    counters: new SharedArrayBuffer(SharedCounter.bytes(names.length)),
    beats: new SharedArrayBuffer(names.length * Int32Array.BYTES_PER_ELEMENT),
    working: new SharedArrayBuffer(names.length * Int32Array.BYTES_PER_ELEMENT),
  };
  const heartbeat = {
    beat: () => undefined,
    delay: () => ({ p50: 0, p99: 0 }),
    utilisation: () => 0,
    stop: () => undefined,
  };
  const log = (level: string, fields: unknown, message: string): void => {
    if (level === 'error') throw new Error(`${message}: ${JSON.stringify(fields)}`);
  };
  const contexts = [MAIN, JOURNAL, VIEWS, READ].map((index) =>
    createContext({
      house,
      index,
      life: 1,
      world: realWorld,
      log,
      point: () => undefined,
      drain: (done) => done(),
      heartbeat,
    }),
  );
  const ports = contexts.map(({ bus }) => new Ports(bus));
  for (const [one, mine] of ports.entries()) {
    for (const [other, its] of ports.entries()) {
      if (other <= one) continue;
      const [here, there] = portPair((run) => realWorld.soon(run));
      mine.attach(other, 1, here);
      its.attach(one, 1, there);
    }
  }
  const [main, journal, views, read] = contexts as [ThreadContext, ThreadContext, ThreadContext, ThreadContext];
  const roles = [await journalRole(openJournal)(journal), await startViews(views), await startRead(read)];
  const directory = new RootDirectory(main, config);
  const seen = createSeqTracker();
  const acknowledged = (seq: number): void => seen.note(seq);
  const { actors } = startMain(main, { directory, quarantined: () => [], drained: () => undefined, acknowledged });
  await directory.loaded;
  const from = address('thread', 'main');
  const store = createReadStore({ bus: main.bus, from, seen });
  const date = (epoch: number): Date => new Date(epoch);
  const { users, tokens } = directory.configured;
  const codes = (channel: string) =>
    mintCode(
      channel,
      () => realWorld.uuid(),
      () => realWorld.now(),
    );
  const mint = (): ReturnType<typeof mintToken> => mintToken(() => realWorld.uuid());
  return {
    gateway: createRemoteGatewayStore({
      bus: main.bus,
      from,
      store,
      date,
      mint,
      mintCode: codes,
      users: () => users,
      tokens: () => tokens,
      acknowledged,
    }),
    usage: createUsageStore(store, date),
    directory,
    main,
    dir,
    close: async () => {
      actors.stop();
      for (const role of roles.reverse()) role.close();
      for (const { bus } of contexts) bus.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
