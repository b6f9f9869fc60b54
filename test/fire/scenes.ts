// SPDX-License-Identifier: Apache-2.0
// What is done to a gateway while others talk to it: one scene a fault, each with what it must not have done to them.

import { fork } from 'node:child_process';
import type { IncomingMessage } from 'node:http';
import type { Answer, Neighbour, Place } from './client.ts';
import type { Flooded, FloodOrder } from './flood.ts';
import { percentile } from './measure.ts';

export interface Stage {
  readonly place: Place;
  readonly neighbours: readonly Neighbour[];
  readonly watchdog_ms: number;
  /** Seconds an overload lasts. */
  readonly overload_s: number;
  /** Turns a second that 32 clients got, each waiting for its answers. */
  readonly capacity: number;
  readonly pid: number;
  /** The gateway's unix socket. */
  readonly socket: string;
  /** The token of whoever floods: nobody of the neighbours. */
  readonly flood_token: string;
}

export interface Played {
  /** When the trouble began and was over, epoch milliseconds: others are held against their normal in between. */
  readonly from: number;
  readonly until: number;
  /** Those of the neighbours' answers that count while it lasts. */
  readonly counts: (neighbour: Neighbour, answer: Answer) => boolean;
  /** Milliseconds from finding each bad thread until somebody was answered there again. */
  readonly back?: readonly number[];
  readonly problems: readonly string[];
  /** What there is to say besides. */
  readonly note: string;
}

export interface Scene {
  readonly name: string;
  readonly title: string;
  readonly play: (stage: Stage) => Promise<Played>;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A turn that harms the thread it runs on, and what becomes of that thread and of those who live there too. */
function badThread(fault: 'loop' | 'heap' | 'buffers'): Scene['play'] {
  return async ({ place, neighbours }) => {
    const from = Date.now();
    const bad = await place.call('POST', '/api/v1/chat', {
      content: `fault: ${fault}`,
      message_id: `${fault}-${from}`,
    });
    const lane = await place.threadOf(bad.body.session_id);
    const found = place.log.found(lane, from);
    await pause(1_000);
    const problems: string[] = [];
    if (bad.body.code !== 'poisoned') problems.push(`the bad turn was answered ${bad.status} ${bad.body.code}`);
    const there = neighbours.filter((neighbour) => neighbour.lane === lane).flatMap(({ answers }) => answers);
    const back = found.map((at) => {
      const first = Math.min(...there.map(({ sent, took }) => sent + took).filter((done) => done >= at));
      return first - at;
    });
    if (found.length === 0) problems.push('the bad thread was never found');
    const status = await place.call('GET', '/api/v1/status');
    const restarts = status.body.threads.find(({ name }: { name: string }) => name === lane)?.restarts ?? 0;
    if (restarts < found.length) problems.push(`status shows ${restarts} restarts of ${lane} after ${found.length}`);
    const last = found.at(-1) ?? from;
    return {
      from,
      until: Date.now(),
      // Whoever lives on the bad thread waits until it is back; all others are not to notice.
      counts: (neighbour, { sent }) => neighbour.lane !== lane || sent > last + 200,
      back,
      problems,
      note: `${found.length} lives of ${lane}`,
    };
  };
}

/** Waves of readers one after the other: a pause of the disk in one short wave would be a hundredth of all that is measured. */
const WAVES = 3;
const READERS = 40;

/** Streams that are opened and never read, while megabytes are said to them: some 45 kB a turn. */
async function neverReads(stage: Stage): Promise<Played> {
  const from = Date.now();
  const problems: string[] = [];
  let cut = 0;
  for (let wave = 0; wave < (stage.overload_s < 10 ? 1 : WAVES); wave += 1)
    cut += await readersOf(stage, wave, problems);
  return {
    from,
    until: Date.now(),
    counts: () => true,
    problems: [...new Set(problems)],
    note: `${cut} cut off`,
  };
}

/** One wave; how many of it were cut off. */
async function readersOf({ place, socket }: Stage, wave: number, problems: string[]): Promise<number> {
  const name = `unread-${Date.now()}-${wave}`;
  const first = await place.sum(name, 1);
  const { session_id } = first.body;
  const open: IncomingMessage[] = [];
  for (let at = 0; at < READERS; at += 1) {
    // The kernel holds megabytes for a TCP connection, and for a unix socket next to nothing.
    const response = await place.open('GET', `/api/v1/sessions/${session_id}/stream`, undefined, socket);
    response.pause();
    response.on('error', () => undefined);
    open.push(response);
  }
  const text = 'one more word '.repeat(140);
  for (let at = 0; at < 60; at += 1) {
    const { status } = await place.call('POST', '/api/v1/chat', { content: `remember that ${text}`, session_id });
    if (status !== 200) problems.push(`the session that nobody reads answered ${status}`);
  }
  // What they were sent is read now. A session's stream has no end of its own: only who is cut off comes to one.
  const ends = await Promise.all(
    open.map(async (response) => {
      const ended = new Promise<boolean>((resolve) => response.once('close', () => resolve(true)));
      response.resume();
      return await Promise.race([ended, pause(2_000).then(() => false)]);
    }),
  );
  const cut = ends.filter((ended) => ended).length;
  if (cut < READERS) problems.push(`${READERS - cut} readers were never cut off`);
  for (const response of open) response.destroy();
  const again = await place.sum(`${name}-after`, 2, { session_id });
  if (again.status !== 200) problems.push(`the session answered ${again.status} afterwards`);
  return cut;
}

/** Many people in one session, each waiting for the answer; a listener hears it all. */
async function oneSession({ place, overload_s }: Stage): Promise<Played> {
  const from = Date.now();
  const clients = 64;
  const each = overload_s < 10 ? 2 : 5;
  const first = await place.sum(`crowd-${from}-first`, 0);
  const { session_id } = first.body;
  const response = await place.open('GET', `/api/v1/sessions/${session_id}/stream`);
  let heard = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => {
    heard += chunk;
  });
  response.on('error', () => undefined);
  const problems: string[] = [];
  let refused = 0;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let at = 0; at < each; ) {
        const answer = await place.sum(`crowd-${from}-${client}-${at}`, client * 100 + at, { session_id });
        if (answer.status === 200) at += 1;
        else {
          refused += 1;
          if (answer.headers['retry-after'] === undefined) problems.push('a refusal without Retry-After');
          await pause(20);
        }
      }
    }),
  );
  await pause(200);
  response.destroy();
  const turns = clients * each;
  problems.push(...interleavings(heard, turns));
  return { from, until: Date.now(), counts: () => true, problems, note: `${turns} turns, ${refused} asked to wait` };
}

/** What is wrong with a session's stream: turns that overlap, numbers that are missing, turns without an end. */
export function interleavings(heard: string, turns: number): readonly string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  let turn = '';
  let last = 0;
  for (const frame of heard.split('\n\n')) {
    const id = /^id: (\S+):(\d+)$/m.exec(frame);
    if (id === null) continue;
    const [, of = '', n = ''] = id;
    if (of !== turn) {
      if (turn !== '') problems.push(`turn ${of} began while ${turn} ran`);
      if (seen.has(of)) problems.push(`turn ${of} was told twice`);
      seen.add(of);
      turn = of;
      last = 0;
    }
    if (Number(n) !== last + 1) problems.push(`turn ${of}: event ${n} after ${last}`);
    last = Number(n);
    if (/^event: (done|error)$/m.test(frame)) turn = '';
  }
  if (seen.size !== turns) problems.push(`${seen.size} turns were heard of ${turns}`);
  return problems;
}

/** Ten times what it can do, evenly, by one user, whether or not anything is answered. */
async function overload({ place, capacity, overload_s, flood_token }: Stage): Promise<Played> {
  const child = fork(new URL('./flood.ts', import.meta.url), { execArgv: [] });
  const gone = new Promise<never>((_, reject) =>
    child.once('exit', (code) => reject(new Error(`the flood ended with ${code}`))),
  );
  const said = <T>(): Promise<T> =>
    Promise.race([new Promise<T>((resolve) => child.once('message', (word) => resolve(word as T))), gone]);
  const rate = capacity * OVERLOAD;
  const name = `flood-${Date.now()}`;
  const order: FloodOrder = { port: place.port, token: flood_token, name, rate, seconds: overload_s };
  const connected = said();
  child.send(order);
  await connected;
  const from = Date.now();
  const over = pause(overload_s * 1_000).then(() => Date.now());
  const told = said<Flooded>();
  child.send('go');
  const flooded = await told;
  const until = await over;
  child.removeAllListeners('exit');
  gone.catch(() => undefined);
  for (const [turn, key] of flooded.turns) {
    const before = place.answered.get(turn);
    if (before !== undefined && before !== key) place.wrong.push(`${key} and ${before} were answered by one turn`);
    place.answered.set(turn, key);
  }
  const problems = [...new Set(flooded.wrong)];
  const shed = Object.entries(flooded.refused);
  if (shed.length === 0) problems.push('nothing was refused');
  if (flooded.without > 0) problems.push(`${flooded.without} refusals without Retry-After`);
  const { sent, took, took_s, cpu, refused_p50, refused_p99 } = flooded;
  const offered = sent / took_s / capacity;
  const codes = shed.map(([code, count]) => `${count} × ${code}`).join(', ');
  return {
    from,
    until,
    counts: () => true,
    problems,
    note:
      `${offered.toFixed(1)}× offered (${Math.round(sent / took_s)}/s, with ${Math.round((cpu / took_s) * 100)} % of a core); ` +
      `${took.length} answered (${Math.round(took.length / took_s)}/s of ${Math.round(capacity)}/s, p50 ${Math.round(percentile(took, 0.5))} ms, p99 ${Math.round(percentile(took, 0.99))} ms); ` +
      `${codes} (p50 ${Math.round(refused_p50)} ms, p99 ${Math.round(refused_p99)} ms)`,
  };
}

/** Times its capacity that a gateway is flooded with. */
const OVERLOAD = 10;

/** Turns whose model never says anything. */
async function hangingProvider({ place, overload_s }: Stage): Promise<Played> {
  const from = Date.now();
  const streams = await Promise.all(
    Array.from({ length: 50 }, (_, at) =>
      place.open('POST', '/api/v1/chat/stream', { content: 'fault: hang', message_id: `hang-${from}-${at}` }),
    ),
  );
  const turns = await Promise.all(streams.map(firstTurn));
  await pause(Math.min(5, overload_s) * 1_000);
  const until = Date.now();
  const problems: string[] = [];
  for (const turn of turns) {
    const { status } = await place.call('POST', `/api/v1/turns/${turn}/cancel`);
    if (status !== 200) problems.push(`cancelling a hanging turn: ${status}`);
  }
  for (const stream of streams) stream.destroy();
  return { from, until, counts: () => true, problems, note: `${turns.length} turns hung` };
}

async function firstTurn(response: IncomingMessage): Promise<string> {
  response.setEncoding('utf8');
  response.on('error', () => undefined);
  let text = '';
  for (;;) {
    const found = /"turn_id":"([^"]+)"/.exec(text)?.[1];
    if (found !== undefined) return found;
    text += await new Promise<string>((resolve) => response.once('data', resolve));
  }
}

export const SCENES: readonly Scene[] = [
  { name: 'loop', title: 'a turn in an endless loop', play: badThread('loop') },
  { name: 'heap', title: 'a turn that takes all memory', play: badThread('heap') },
  { name: 'buffers', title: 'the same in buffers', play: badThread('buffers') },
  { name: 'unread', title: '40 readers that never read', play: neverReads },
  { name: 'hang', title: '50 model calls that hang', play: hangingProvider },
  { name: 'crowd', title: '64 clients on one session', play: oneSession },
  { name: 'overload', title: '10× what it can do', play: overload },
];
