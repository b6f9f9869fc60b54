// SPDX-License-Identifier: Apache-2.0
// The machine gateways run on, one process after the other: its disk, its threads' worlds, and what breaks on it.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChannelAdapter } from '../../src/channels/adapter.ts';
import { hostChatChannels } from '../../src/composition/channel-host.ts';
import type { ThreadContext } from '../../src/composition/context.ts';
import type { Heartbeat } from '../../src/composition/heartbeat.ts';
import { journalRole } from '../../src/composition/journal-role.ts';
import type { KillPoint } from '../../src/composition/kill-points.ts';
import { laneRole } from '../../src/composition/lane-role.ts';
import { readRole } from '../../src/composition/read-role.ts';
import type { StartRole } from '../../src/composition/role.ts';
import { loadScannerRules } from '../../src/composition/scanner-rules.ts';
import { viewsRole } from '../../src/composition/views-role.ts';
import type { Config } from '../../src/config/schema.ts';
import { openReader, openViews, serveJournal } from '../../src/stores/sqlite/open.ts';
import type { World } from '../../src/world.ts';
import { BusWatch } from './bus-rules.ts';
import type { Chance } from './chance.ts';
import { Clock, Life } from './clock.ts';
import { JournalFile, SimDisk } from './disk.ts';
import { Outside } from './outside.ts';
import type { Plan } from './plan.ts';
import type { Delay } from './ports.ts';
import { Rules } from './rules.ts';
import type { Trace } from './trace.ts';
import { WireRules } from './wire-rules.ts';

// Nothing in the simulated world waits for a file.
await loadScannerRules();

/** Where SQLite's files of the views lie: in memory if there is such a place, for nothing of them must outlive the run. */
const SHM = '/dev/shm';

export interface MachineParts {
  readonly plan: Plan;
  readonly config: Config;
  readonly trace: Trace;
  readonly chance: Chance;
  readonly checks: ConstructorParameters<typeof Outside>[3];
  readonly scratch: string;
}

export class Machine {
  readonly plan: Plan;
  readonly config: Config;
  readonly trace: Trace;
  readonly clock: Clock;
  readonly rules: Rules;
  readonly posts: WireRules;
  readonly outside: Outside;
  readonly file: JournalFile;
  readonly dataDir: string;
  /** How long the next batch between two threads takes. */
  readonly delay: Delay;
  readonly chance: Chance;
  readonly watches: BusWatch[] = [];
  /** Told when a life passes a named point. */
  passed: (life: Life, point: string) => void = () => undefined;
  private readonly ids: Chance;

  constructor({ plan, config, trace, chance, checks, scratch }: MachineParts) {
    this.plan = plan;
    this.config = config;
    this.trace = trace;
    this.chance = chance;
    this.ids = chance.fork('ids');
    this.clock = new Clock(trace, chance.fork('clock'), plan.turn);
    this.rules = new Rules(this.clock, plan, config.sessions.memory.active_window);
    this.posts = new WireRules((rule, text) => this.rules.broke(rule, text));
    this.outside = new Outside(this.clock, plan, this.rules, checks, chance.fork('platform'));
    this.file = new JournalFile((rows, audit) => {
      for (const row of rows) trace.note(this.clock.now, row.stream, `${row.n} ${row.type} ${row.payload}`);
      for (const { n, action, hash } of audit) trace.note(this.clock.now, 'audit', `${n} ${action} ${hash}`);
      this.rules.rows(rows, audit);
    });
    const { base, jitter, slow_share, slow } = plan.link;
    const links = chance.fork('links');
    this.delay = () =>
      base + links.next() * jitter + (slow_share > 0 && links.often(slow_share) ? links.next() * slow : 0);
    this.dataDir = join(scratch, 'data');
    mkdirSync(this.dataDir, { recursive: true });
  }

  life(name: string): Life {
    return new Life(name, this.plan.cost, /^(main|io)/.test(name));
  }

  world(life: Life): World {
    return this.clock.world(life, this.ids);
  }

  point(life: Life): (name: KillPoint) => void {
    return (name) => this.passed(life, name);
  }

  /** A pulse that beats with the turns of the bus and now and then by itself. */
  heartbeat(life: Life, world: World, beats: SharedArrayBuffer, thread: number): Heartbeat {
    const counters = new Int32Array(beats);
    const beat = (): void => {
      if (!life.dead) Atomics.add(counters, thread, 1);
    };
    let stop = (): void => undefined;
    const again = (): void => {
      beat();
      stop = world.after(2_000, again);
    };
    again();
    return { beat, delay: () => ({ p50: 0, p99: 0 }), utilisation: () => 0, stop: () => stop() };
  }

  /** What a thread does by its name, over the machine's disk and the world outside. */
  role(name: string, life: Life): StartRole {
    const watched =
      (start: StartRole): StartRole =>
      (context: ThreadContext) => {
        this.watch(life, context.bus);
        return start(context);
      };
    switch (name.replace(/-\d+$/, '')) {
      case 'journal':
        return watched(
          journalRole((options) => {
            const disk = new SimDisk(this.file, life, this.clock);
            return serveJournal(disk, options);
          }),
        );
      case 'views':
        return watched(
          viewsRole((options) => {
            const views = openViews({ ...options, journal: this.file.rows() });
            life.atEnd(() => views.close());
            return views;
          }),
        );
      case 'read':
        return watched(
          readRole((options) => {
            const reader = openReader({ ...options, journal: this.file.rows() });
            life.atEnd(() => reader.close());
            return reader;
          }),
        );
      case 'io':
        return watched(async (context) => {
          const { outside, config } = this;
          const make = async (): Promise<ChannelAdapter> => {
            if (outside.platform === null) throw new Error('there is no platform');
            return outside.platform.adapter(life);
          };
          const chats = hostChatChannels(context, config.channels, make);
          return { drain: (done) => chats.drain(done), close: () => chats.close() };
        });
      default:
        return watched(laneRole(async () => this.outside.adapters(life)));
    }
  }

  watch(life: Life, bus: BusWatch['bus']): BusWatch {
    const watch = new BusWatch(life, bus, this.clock, this.rules, 16 * this.config.gateway.mailbox_capacity);
    this.watches.push(watch);
    return watch;
  }

  /** Files of views that a crash has damaged are simply gone. */
  lose(which: 'gateway' | 'all'): void {
    if (which === 'all') rmSync(join(this.dataDir, 'workspaces'), { recursive: true, force: true });
    for (const rest of ['', '-wal', '-shm']) rmSync(join(this.dataDir, `gateway.db${rest}`), { force: true });
  }
}

/** A directory for one run's views. */
export function makeScratch(): string {
  try {
    return mkdtempSync(join(SHM, 'sigil-sim-'));
  } catch {
    return mkdtempSync(join(tmpdir(), 'sigil-sim-'));
  }
}
