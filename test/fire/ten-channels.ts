// SPDX-License-Identifier: Apache-2.0
// Ten channels at once through their real adapters, one of whose servers hangs and one of which is flooded: what the others feel of it.
// Two gateways take turns of some seconds, one of them with all servers well: what else the machine does is felt by both alike.
// `npm run test:channels`, `-- --rate N --flood N --conversations N --times N --json`.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ABSENT, type PeopleOn, PLATFORMS, type PlatformName } from '../channels/people-on.ts';
import { TcpGate } from '../channels/tcp-gate.ts';
import { freePort, onlyFile, ownerToken, spawnGateway } from '../crash/gateway-process.ts';
import { percentile } from './measure.ts';

const { values } = parseArgs({
  options: {
    conversations: { type: 'string', default: '200' },
    /** How often everybody speaks on every channel: the more often, the less chance says in the figure. */
    times: { type: 'string', default: '2' },
    /** Messages a second over all channels but the flooded one. */
    rate: { type: 'string', default: '25' },
    /** Messages a second of the flood. */
    flood: { type: 'string', default: '25' },
    json: { type: 'boolean', default: false },
  },
});
const CONVERSATIONS = Number(values.conversations);
const TIMES = Number(values.times);
const RATE = Number(values.rate);
const FLOOD = Number(values.flood);
/** Who floods writes in so many conversations of their own. */
const FLOODERS = 20;
/** By how much the others' reply time may move at p95, in per cent. */
const BAR = 20;
/** People of a turn: some two seconds of one gateway, then of the other. */
const TOGETHER = 5;
/** Rounds of five messages on each channel before. */
const WARM_UP = 8;
/** How often the pairs of turns are drawn anew. */
const DRAWN = 500;
/** How long all that was said may take to be answered at the end, in milliseconds. */
const LATE_MS = 30_000;

/** Eight that are measured, and the two that are not well in one of the runs. */
const MEASURED: readonly [name: string, platform: PlatformName][] = [
  [ABSENT.irc === undefined ? 'irc' : 'irc-is-webhook', ABSENT.irc === undefined ? 'irc' : 'webhook'],
  ['telegram', 'telegram'],
  ['discord', 'discord'],
  ['slack', 'slack'],
  ['slack-events', 'slack-events'],
  ['matrix', 'matrix'],
  ['whatsapp', 'whatsapp'],
  ['webhook', 'webhook'],
];
const HANGING = 'hanging';
const FLOODED = 'flooded';
const CHANNELS: readonly [name: string, platform: PlatformName][] = [
  ...MEASURED,
  [HANGING, 'whatsapp'],
  [FLOODED, 'telegram'],
];
const PEOPLE = Array.from({ length: CONVERSATIONS }, (_, at) => `p${at}`);
const FLOODING = Array.from({ length: FLOODERS }, (_, at) => `f${at}`);

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Seconds to the next of `rate` messages a second that are said independently of one another (a Poisson process). */
const pauseAt = (rate: number): number => -Math.log(1 - Math.random()) / rate;

/** Waits for answers: each is known by a word of its own. */
class Watch {
  readonly #people: PeopleOn;
  readonly #waiting = new Map<string, number>();
  /** Messages whose answer's word is not in them yet: they may still grow. */
  #open: number[] = [];
  #read = 0;
  readonly took: number[] = [];

  constructor(people: PeopleOn) {
    this.#people = people;
  }

  get left(): number {
    return this.#waiting.size;
  }

  said(word: string): void {
    this.#waiting.set(word, performance.now());
  }

  look(): void {
    const seen = this.#people.seen();
    for (; this.#read < seen.length; this.#read += 1) this.#open.push(this.#read);
    const now = performance.now();
    this.#open = this.#open.filter((at) => {
      const word = /w\d+q/.exec(seen[at]?.text ?? '')?.[0];
      const since = word === undefined ? undefined : this.#waiting.get(word);
      if (word === undefined || since === undefined) return word === undefined;
      this.took.push(now - since);
      this.#waiting.delete(word);
      return false;
    });
  }
}

/** One gateway with ten channels. */
class Ten {
  readonly #ill: boolean;
  readonly #opened: ReadonlyMap<string, PeopleOn>;
  readonly #gate: TcpGate;
  readonly #end: () => Promise<void>;
  readonly watches: ReadonlyMap<string, Watch>;
  #words = 0;
  flooded = 0;

  private constructor(
    ill: boolean,
    opened: ReadonlyMap<string, PeopleOn>,
    { gate, end }: { readonly gate: TcpGate; readonly end: () => Promise<void> },
  ) {
    this.#ill = ill;
    this.#opened = opened;
    this.#gate = gate;
    this.#end = end;
    this.watches = new Map([...opened].map(([name, people]) => [name, new Watch(people)]));
  }

  static async start(ill: boolean): Promise<Ten> {
    const dir = mkdtempSync(join(tmpdir(), 'sigil-ten-'));
    const place = { dataDir: join(dir, 'data'), port: await freePort(), effects: join(dir, 'effects') };
    const opened = new Map<string, PeopleOn>();
    for (const [name, platform] of CHANNELS)
      opened.set(name, await PLATFORMS[platform]({ webhook: `http://127.0.0.1:${place.port}/webhooks/${name}` }));
    const gate = new TcpGate(Number(new URL(String(opened.get(HANGING)?.entry['api_root'])).port));
    await gate.up();
    const users = [...PEOPLE, ...FLOODING].map((id) => ({
      ...{ id, name: id, role: 'owner', session_mode: 'per_channel' },
      // People are known by the type of a platform: on two of one type they have the same id.
      identities: [
        ...new Map(
          [...opened]
            .filter(([name]) => name === FLOODED || !FLOODING.includes(id))
            .map(([, people]) => [String(people.entry['type']), people.id(id)] as const),
        ),
      ].map(([channel, platform_id]) => ({ channel, platform_id })),
    }));
    const channels = [...opened].map(([name, { entry }]) => {
      const hangs = name === HANGING ? { api_root: `http://127.0.0.1:${gate.port}` } : {};
      return [name, { ...entry, ...hangs, pairing: 'closed' }] as const;
    });
    const config = join(dir, 'sigil.yaml');
    // JSON is YAML.
    const written = {
      ...{ users, channels: Object.fromEntries(channels), gateway: { threads: 2 } },
      // Nobody is to be refused for how much is said here; the rest is as for people who set nothing.
      networking: { chat_rate_limit_rpm: 0 },
      models: { budgets: { per_session_tokens: 0 } },
      logging: { level: 'warn' },
    };
    writeFileSync(config, JSON.stringify(written));
    const gateway = spawnGateway(place, onlyFile(config));
    const end = async (): Promise<void> => {
      await gateway.kill();
      await gate.down();
      for (const people of opened.values()) await people.close();
      rmSync(dir, { recursive: true, force: true });
    };
    if ((await gateway.listening) === null) throw new Error(`the gateway did not start: ${gateway.said()}`);
    const headers = { Authorization: `Bearer ${ownerToken(place.dataDir)}` };
    for (const late = performance.now() + LATE_MS; ; await sleep(50)) {
      const reply = await fetch(`http://127.0.0.1:${place.port}/api/v1/channels`, { headers });
      const { items } = (await reply.json()) as { items: { name: string; state: string }[] };
      const online = items.filter(({ name, state }) => opened.has(name) && state === 'online').length;
      if (online === CHANNELS.length) break;
      if (performance.now() > late) throw new Error(`only ${online} channels are online`);
    }
    return new Ten(ill, opened, { gate, end });
  }

  /** What is compiled and loaded by the first messages is there before anything is measured. */
  async warmUp(): Promise<void> {
    for (let round = 0; round < WARM_UP; round += 1) {
      for (const [name] of CHANNELS) for (const person of PEOPLE.slice(0, 5)) this.#say(name, person);
      await this.#answered([...this.watches.values()]);
    }
    for (const watch of this.watches.values()) {
      if (watch.left > 0) throw new Error('what was said first was not answered');
      watch.took.length = 0;
    }
    if (this.#ill) this.#gate.hang();
  }

  /** Some people say one thing each on every channel, at the rate, and are answered. */
  async turn(people: readonly string[]): Promise<void> {
    const due = people.flatMap((person) => CHANNELS.map(([channel]) => ({ channel, person })));
    const measured = MEASURED.flatMap(([name]) => this.watches.get(name) ?? []);
    const began = performance.now();
    // Nobody who writes knows of the others: each comes at a time of its own.
    let next = pauseAt(RATE);
    let flood = this.#ill ? pauseAt(FLOOD) : Number.POSITIVE_INFINITY;
    for (let at = 0; at < due.length; await sleep(2)) {
      const now = (performance.now() - began) / 1_000;
      for (; at < due.length && next < now; at += 1, next += pauseAt(RATE)) {
        const { channel, person } = due[at] ?? { channel: '', person: '' };
        this.#say(channel, person);
      }
      for (; flood < now; flood += pauseAt(FLOOD)) {
        this.flooded += 1;
        this.#say(FLOODED, FLOODING[this.flooded % FLOODERS] ?? '');
      }
      for (const watch of measured) watch.look();
    }
    await this.#answered(measured);
    // What is left of the flood is not to be felt in the other gateway's turn.
    const flooded = this.watches.get(FLOODED);
    if (flooded !== undefined) await this.#answered([flooded]);
  }

  end(): Promise<void> {
    return this.#end();
  }

  #say(channel: string, person: string): void {
    this.#words += 1;
    const word = `w${this.#words}q`;
    this.watches.get(channel)?.said(word);
    void this.#opened.get(channel)?.say(person, `tell me of ${word}`);
  }

  async #answered(watches: readonly Watch[]): Promise<void> {
    for (const end = performance.now() + LATE_MS; performance.now() < end; await sleep(2)) {
      for (const watch of watches) watch.look();
      if (watches.every(({ left }) => left === 0)) return;
    }
  }
}

const took = (ten: Ten): readonly number[] => MEASURED.flatMap(([name]) => ten.watches.get(name)?.took ?? []);
const rounded = (of: number): number => Math.round(of * 10) / 10;
const perCent = (ratio: number): number => rounded((ratio - 1) * 100);

const calm = await Ten.start(false);
const ill = await Ten.start(true);
await calm.warmUp();
await ill.warmUp();
/** What each pair of turns took, the calm gateway's and the other's. */
const pairs: (readonly [calm: readonly number[], ill: readonly number[]])[] = [];
const speaking = Array.from({ length: TIMES }, () => PEOPLE).flat();
for (let at = 0, turn = 0; at < speaking.length; at += TOGETHER, turn += 1) {
  const people = speaking.slice(at, at + TOGETHER);
  const before = [calm, ill].map((ten) => MEASURED.map(([name]) => ten.watches.get(name)?.took.length ?? 0));
  // Neither is always the first.
  for (const ten of turn % 2 === 0 ? [calm, ill] : [ill, calm]) await ten.turn(people);
  const [mine = [], theirs = []] = [calm, ill].map((ten, which) =>
    MEASURED.flatMap(([name], index) => ten.watches.get(name)?.took.slice(before[which]?.[index]) ?? []),
  );
  pairs.push([mine, theirs]);
}
await Promise.all([calm.end(), ill.end()]);
const figures = [calm, ill].map((ten) => {
  const times = took(ten);
  return {
    answered: times.length,
    unanswered: MEASURED.reduce((sum, [name]) => sum + (ten.watches.get(name)?.left ?? 0), 0),
    flooded: ten.flooded,
    ...{
      p50: rounded(percentile(times, 0.5)),
      p95: rounded(percentile(times, 0.95)),
      p99: rounded(percentile(times, 0.99)),
    },
    p95_of: Object.fromEntries(
      MEASURED.map(([name]) => [name, rounded(percentile(ten.watches.get(name)?.took ?? [], 0.95))]),
    ),
  };
});
/** By how much the p95 of the one is above the other's. */
const movedIn = (of: typeof pairs): number => {
  const [mine, theirs] = [of.flatMap(([one]) => one), of.flatMap(([, other]) => other)];
  return perCent(percentile(theirs, 0.95) / percentile(mine, 0.95));
};
const moved = movedIn(pairs);
/** What chance makes of it: half of where two thirds of such runs would lie, were the pairs of turns drawn anew (a bootstrap). */
const drawn = Array.from({ length: DRAWN }, () =>
  movedIn(pairs.map((pair) => pairs[Math.floor(Math.random() * pairs.length)] ?? pair)),
);
const noise = rounded((percentile(drawn, 0.84) - percentile(drawn, 0.16)) / 2);
const unanswered = figures.reduce((sum, one) => sum + one.unanswered, 0);
const held = moved < BAR && unanswered === 0;
console.log(JSON.stringify({ calm: figures[0], ill: figures[1], moved, noise, unanswered }, null, values.json ? 0 : 2));
console.error(`the others' reply time at p95 moved by ${moved} % ± ${noise} (less than ${BAR} % is to hold)`);
console.log(held ? '1 passed, 0 failed' : '0 passed, 1 failed');
process.exit(held ? 0 : 1);
