// SPDX-License-Identifier: Apache-2.0
// The root's threads under supervision, with workers that do what the test says: restarts, watchdog, quarantine and the way back.

import { describe, expect, it } from 'vitest';
import type { SigilProtocols } from '../../src/actors/protocols.ts';
import { NO_SKILLS } from '../../src/agent/skills/skill.ts';
import { SharedCounter } from '../../src/bus/counter.ts';
import { threadNames } from '../../src/bus/layout.ts';
import { createBusNode } from '../../src/bus/node.ts';
import type { Port } from '../../src/bus/ports.ts';
import type { Boot, House, ToWorker } from '../../src/composition/boot.ts';
import { DirectoryFeed } from '../../src/composition/directory-feed.ts';
import { Threads } from '../../src/composition/threads.ts';
import { OUT_OF_MEMORY, type ThreadEvents, type WorkerHost } from '../../src/composition/workers.ts';
import { defaultConfig } from '../../src/config/schema.ts';
import type { World } from '../../src/world.ts';
import { ManualClock } from '../stores/manual-clock.ts';

const LAYOUT = { lanes: 2, io: 1 };
const NAMES = threadNames(LAYOUT);
const LANE = NAMES.indexOf('lane-1');
const RESTING = new Set(['io-1']);

interface Life {
  readonly name: string;
  readonly boot: Boot;
  readonly events: ThreadEvents;
  ended: boolean;
}

function stand() {
  const clock = new ManualClock();
  const world: World = {
    now: () => 1_700_000_000_000 + clock.monotonic(),
    iso: (epoch) => new Date(epoch).toISOString(),
    monotonic: clock.monotonic,
    origin: 0,
    after: clock.after,
    soon: clock.soon,
    random: () => 0.999_999,
    uuid: () => '',
  };
  const cells = () => new SharedArrayBuffer(NAMES.length * Int32Array.BYTES_PER_ELEMENT);
  const house: House = {
    layout: LAYOUT,
    config: defaultConfig(),
    data_dir: '/nowhere',
    counters: new SharedArrayBuffer(SharedCounter.bytes(NAMES.length)),
    beats: cells(),
    working: cells(),
  };
  const lives: Life[] = [];
  const told: string[] = [];
  const posted: [thread: string, message: ToWorker][] = [];
  const prepared: string[] = [];
  /** Threads whose code never notices that it is to end. */
  const deaf = new Set<string>();
  const port = (): Port => ({ postMessage: () => undefined, on: () => undefined, close: () => undefined });
  const workers: WorkerHost = {
    channel: () => [port(), port()],
    prepare: (name) => prepared.push(name),
    spawn: (name, boot, events) => {
      const life: Life = { name, boot, events, ended: false };
      lives.push(life);
      return {
        post: (message) => void posted.push([name, message]),
        terminate: () => void (deaf.has(name) || world.soon(() => end(life))),
      };
    },
  };
  const end = (life: Life, code?: string): void => {
    if (life.ended) return;
    life.ended = true;
    if (code !== undefined) life.events.error(Object.assign(new Error('it says why'), { code }));
    life.events.exit();
  };
  const counter = new SharedCounter(NAMES.length, house.counters);
  const bus = createBusNode<SigilProtocols>({ thread: 0, life: 1, layout: LAYOUT, world, counter });
  const directory = new DirectoryFeed(house.config);
  const threads = new Threads({
    house,
    workers,
    world,
    bus,
    directory,
    log: () => undefined,
    restarted: (thread, reason) => told.push(`${thread} ${reason}`),
    quarantined: (thread) => told.push(`${thread} quarantined`),
    released: (thread) => told.push(`${thread} released`),
    unstoppable: (thread) => told.push(`${thread} unstoppable`),
  });
  const started = threads.start(RESTING);
  started.catch(() => undefined);
  const latest = (name: string): Life => {
    const life = lives.findLast((one) => one.name === name);
    if (life === undefined) throw new Error(`${name} was never started`);
    return life;
  };
  const beats = new Int32Array(house.beats);
  /** Time passes; all but these beat. */
  const pass = (ms: number, silent: readonly string[] = []): void => {
    for (let at = 0; at < ms; at += 250) {
      for (const [index, name] of NAMES.entries()) if (!silent.includes(name)) Atomics.add(beats, index, 1);
      clock.advance(250);
    }
  };
  const ready = (name: string): void => latest(name).events.message({ say: 'ready' });
  return {
    ...{ lives, told, posted, threads, directory, prepared, deaf, started, latest, pass, end, ready },
    works: (mark: number) => Atomics.store(new Int32Array(house.working), LANE, mark),
    begin: () => {
      const first = NAMES.filter((name) => name !== 'main' && name !== 'read' && !RESTING.has(name));
      for (const name of [...first, 'read']) ready(name);
    },
  };
}

it('what only answers questions begins when the others stand, and nobody waits for it', async () => {
  const { lives, started, ready } = stand();
  const first = lives.map(({ name }) => name);
  expect(first).toEqual(['journal', 'views', 'lane-1', 'lane-2']);
  for (const name of first) ready(name);
  await started;
  expect(lives.slice(first.length).map(({ name }) => name)).toEqual(['read']);
});

it('what begins behind the others does not while they are being stopped', () => {
  const { lives, threads, ready } = stand();
  for (const name of ['views', 'lane-1', 'lane-2']) ready(name);
  void threads.stop();
  ready('journal');
  expect(lives.map(({ name }) => name)).not.toContain('read');
});

it('lanes hear of other skills before the version of the directory by which messages are admitted from then on', () => {
  const { threads, directory, posted, begin } = stand();
  begin();
  const before = posted.length;
  const { version } = directory.table;
  threads.tellSkills('lab', NO_SKILLS);
  expect(directory.table.version).toBe(version + 1);
  for (const lane of ['lane-1', 'lane-2']) {
    const heard = posted.slice(before).flatMap(([thread, message]) => (thread === lane ? [message] : []));
    expect(heard).toMatchObject([
      { say: 'skills' },
      { say: 'directory', change: { kind: 'part', version: version + 1 } },
    ]);
  }
});

describe('a thread', () => {
  it('that ends too often rests, is given up by all, and comes back by itself', () => {
    const it = stand();
    it.begin();
    for (let life = 1; life <= 6; life += 1) {
      expect(it.latest('lane-1').boot.life).toBe(life);
      it.end(it.latest('lane-1'));
      it.pass(1_000);
      if (life < 6) it.ready('lane-1');
    }
    expect(it.told.filter((line) => line.startsWith('lane-1 '))).toEqual([
      ...Array.from({ length: 5 }, () => 'lane-1 error'),
      'lane-1 quarantined',
    ]);
    // Who starts meanwhile knows it.
    it.end(it.latest('lane-2'));
    it.pass(250);
    expect(it.latest('lane-2').boot.gone).toEqual([LANE]);
    it.pass(60_000);
    expect(it.latest('lane-1').boot).toMatchObject({ life: 7, gone: [] });
    expect(it.told.at(-1)).toBe('lane-2 error');
    it.ready('lane-1');
    expect(it.told.at(-1)).toBe('lane-1 released');
    // One that fails again at once rests longer, and is not given five more tries.
    it.end(it.latest('lane-1'));
    expect(it.told.at(-1)).toBe('lane-1 quarantined');
    it.pass(60_000);
    expect(it.latest('lane-1').boot.life).toBe(7);
    it.pass(60_000);
    expect(it.latest('lane-1').boot.life).toBe(8);
  });

  it('that is held up by one actor tells its next life by which, and is not held responsible', () => {
    const it = stand();
    it.begin();
    for (let life = 1; life <= 8; life += 1) {
      it.works(40 + life);
      it.pass(11_000, ['lane-1']);
      expect(it.latest('lane-1').boot).toMatchObject({
        life: life + 1,
        suspect: { mark: 40 + life, reason: 'hung' },
      });
      it.ready('lane-1');
    }
    expect(new Set(it.told)).toEqual(new Set(['lane-1 hung']));
    it.works(7);
    it.end(it.latest('lane-1'), OUT_OF_MEMORY);
    it.pass(250);
    expect(it.latest('lane-1').boot.suspect).toEqual({ mark: 7, reason: 'out_of_memory' });
    // Ended from outside or by an error of its own, whoever it worked for then has nothing to do with it.
    it.ready('lane-1');
    it.works(9);
    it.end(it.latest('lane-1'));
    it.pass(250);
    expect(it.latest('lane-1').boot.suspect).toBeNull();
  });

  it('that one actor has filled is replaced before all its memory is given back, and leaves unnoticed', () => {
    const it = stand();
    it.begin();
    const full = it.latest('lane-1');
    it.works(7);
    full.events.error(Object.assign(new Error('full'), { code: OUT_OF_MEMORY }));
    expect(it.latest('lane-1').boot).toMatchObject({ life: 2, suspect: { mark: 7, reason: 'out_of_memory' } });
    it.ready('lane-1');
    it.end(full);
    it.pass(2_000);
    expect(it.latest('lane-1').boot.life).toBe(2);
    expect(it.told).toEqual(['lane-1 out_of_memory']);
  });

  it('that one actor holds up is replaced as soon as it is found, though it never notices that it is to end', () => {
    const it = stand();
    it.begin();
    it.deaf.add('lane-1');
    const held = it.latest('lane-1');
    it.works(7);
    it.pass(10_500, ['lane-1']);
    expect(held.ended).toBe(false);
    expect(it.latest('lane-1').boot).toMatchObject({ life: 2, suspect: { mark: 7, reason: 'hung' } });
    it.ready('lane-1');
    it.end(held);
    it.pass(2_000);
    expect(it.latest('lane-1').boot.life).toBe(2);
    expect(it.told).toEqual(['lane-1 hung']);
  });

  it('that is replaced already takes nothing from its next life by how it ends', () => {
    const it = stand();
    it.begin();
    const full = it.latest('lane-1');
    it.works(7);
    full.events.error(Object.assign(new Error('full'), { code: OUT_OF_MEMORY }));
    it.ready('lane-1');
    it.end(full, 'ERR_SOMETHING_ELSE');
    // The watchdog looks at the next life as at any other.
    it.works(8);
    it.pass(11_000, ['lane-1']);
    expect(it.told).toEqual(['lane-1 out_of_memory', 'lane-1 hung']);
  });

  it('that the same actor ends again and again is held responsible after all', () => {
    const it = stand();
    it.begin();
    for (let life = 1; life <= 12 && !it.told.includes('lane-1 quarantined'); life += 1) {
      it.works(5);
      it.end(it.latest('lane-1'), OUT_OF_MEMORY);
      it.pass(1_500);
      it.ready('lane-1');
    }
    expect(it.told.filter((line) => line === 'lane-1 out_of_memory')).toHaveLength(8);
  });

  it('that has been silent for a quarter of what it may has its next life made ready', () => {
    const it = stand();
    it.begin();
    it.pass(2_250, ['lane-1']);
    expect(it.prepared).toEqual([]);
    it.pass(500, ['lane-1']);
    expect(it.prepared).toContain('lane-1');
    // It was only busy: nothing else happens to it.
    it.pass(20_000);
    expect(it.told).toEqual([]);
    expect(new Set(it.prepared)).toEqual(new Set(['lane-1']));
  });

  it('that hangs while it starts is replaced too, later', () => {
    const it = stand();
    it.pass(110_000, ['views']);
    expect(it.latest('views').boot.life).toBe(1);
    it.pass(20_000, ['views']);
    expect(it.latest('views').boot.life).toBe(2);
    expect(it.told).toEqual(['views hung']);
  });

  it('that cannot be ended is reported as such', () => {
    const it = stand();
    it.begin();
    it.deaf.add('lane-1');
    it.pass(15_000, ['lane-1']);
    expect(it.told).toEqual([]);
    it.pass(10_000, ['lane-1']);
    expect(it.told).toEqual(['lane-1 unstoppable']);
  });
});
