// SPDX-License-Identifier: Apache-2.0
// Kills at every place a chat message and its answer pass, with the real adapters and platforms that outlive the gateway.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { CHANNEL_POINTS } from '../../src/composition/kill-points.ts';
import { ABSENT, type PeopleOn, PLATFORMS, type PlatformName } from '../channels/people-on.ts';
import { freePort, type GatewayProcess, ownerToken, type Place, spawnGateway } from './gateway-process.ts';

export interface AdaptersOptions {
  readonly keep: boolean;
  /** The how manieth time a place is passed is killed at; a life for each. */
  readonly passes: readonly number[];
  /** Which of {@link REDELIVERING}; all when not given. */
  readonly only?: readonly string[] | undefined;
}

export interface AdapterFigures {
  readonly adapters: number;
  readonly kills: number;
  readonly messages: number;
  /** Answers that were shown twice, each of them marked. */
  readonly again: number;
  /** Adapters whose server is not installed. */
  readonly skipped: number;
  readonly problems: number;
}

/** What a platform does with an answer that is sent twice: shows one, or two. */
const REDELIVERING = {
  telegram: 'two',
  discord: 'one',
  slack: 'two',
  'slack-events': 'two',
  matrix: 'one',
  whatsapp: 'two',
  webhook: 'one',
  xmpp: 'two',
  // Its copy is looked for, which a kill may have come before.
  email: 'two',
} as const satisfies Readonly<Partial<Record<PlatformName, 'one' | 'two'>>>;
type Redelivering = keyof typeof REDELIVERING;

/** All of them have an account on every platform. */
const PEOPLE = ['ada', 'bob', 'admin'] as const;
/** How long a place may take to be passed, between two messages, and all that was said to be answered, in milliseconds. */
const PATIENCE_MS = 8_000;
const BETWEEN_MS = 400;
const QUIET_MS = 45_000;
/** What a person is told whose turn was cut off again and again: a word of its own, and no answer. */
const GIVEN_UP = /^This could not be answered: The turn was interrupted/;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Said {
  readonly from: string;
  readonly word: string;
}

export async function killAdapters({ keep, passes, only }: AdaptersOptions): Promise<AdapterFigures> {
  const names = (Object.keys(REDELIVERING) as Redelivering[]).filter((name) => only?.includes(name) ?? true);
  console.log(
    `crash: real adapters, at ${CHANNEL_POINTS.length} places, ${passes.join('., ')}. time: ${names.join(', ')}`,
  );
  const sum = { adapters: 0, kills: 0, messages: 0, again: 0, skipped: 0, problems: 0 };
  for (const name of names) {
    const absent = ABSENT[name];
    if (absent !== undefined) {
      console.log(`  ${name}: skipped: ${absent}`);
      sum.skipped += 1;
      continue;
    }
    const { kills, messages, again, problems } = await killOne(name, passes, keep);
    for (const problem of problems.slice(0, 10)) console.log(`  PROBLEM ${name}: ${problem}`);
    console.log(`  ${name}: ${messages} messages, ${kills} kills, ${again} shown twice, ${problems.length} problems`);
    sum.adapters += 1;
    sum.kills += kills;
    sum.messages += messages;
    sum.again += again;
    sum.problems += problems.length;
  }
  return sum;
}

interface One {
  readonly kills: number;
  readonly messages: number;
  readonly again: number;
  readonly problems: readonly string[];
}

async function killOne(name: Redelivering, passes: readonly number[], keep: boolean): Promise<One> {
  const dir = mkdtempSync(join(tmpdir(), `sigil-${name}-crash-`));
  const place: Place = { dataDir: join(dir, 'data'), port: await freePort(), effects: join(dir, 'effects') };
  const people: PeopleOn = await PLATFORMS[name]({ webhook: `http://127.0.0.1:${place.port}/webhooks/${name}` });
  const config = join(dir, 'sigil.yaml');
  const users = PEOPLE.map((id) => ({
    ...{ id, name: id, role: 'owner', session_mode: 'per_channel' },
    identities: [{ channel: String(people.entry['type']), platform_id: people.id(id) }],
  }));
  // JSON is YAML.
  const channels = { [name]: { ...people.entry, pairing: 'closed' } };
  writeFileSync(config, JSON.stringify({ users, channels, gateway: { threads: 1 } }));
  const env = { SIGIL_CONFIG: config };
  const said: Said[] = [];
  const speak = async (): Promise<void> => {
    for (const from of PEOPLE) {
      const word = `w${said.length}q`;
      said.push({ from, word });
      await people.say(from, `tell me of ${word}`);
    }
  };
  const problems: string[] = [];
  let kills = 0;
  try {
    // So that it has been connected once: what is said before that no platform keeps for it.
    const first = spawnGateway(place, env);
    await first.listening;
    await untilOnline(name, place);
    await speak();
    await first.kill();
    for (const nth of passes) {
      for (const point of CHANNEL_POINTS) {
        const gateway = spawnGateway(place, { ...env, SIGIL_KILL_AT: `${point}:${nth}` });
        await speak();
        if (!(await livesUntilKilled(gateway, speak))) problems.push(`${point}:${nth} was not passed`);
        kills += 1;
      }
    }
    const last = spawnGateway(place, env);
    await last.listening;
    await untilOnline(name, place);
    await speak();
    problems.push(...(await untilAnswered(name, people, said, place)));
    await last.stop();
  } finally {
    await people.close();
  }
  const again = audit(name, people, said, place, problems);
  if (keep && problems.length > 0) console.log(`  data kept in ${dir}`);
  else rmSync(dir, { recursive: true, force: true });
  return { kills, messages: said.length, again, problems };
}

/** Whether the place was passed; otherwise the kill comes after a while all the same. */
async function livesUntilKilled(gateway: GatewayProcess, speak: () => Promise<void>): Promise<boolean> {
  let gone = false;
  const ended = gateway.gone.then(() => {
    gone = true;
  });
  await gateway.listening;
  for (const end = performance.now() + PATIENCE_MS; !gone && performance.now() < end; ) {
    await Promise.race([ended, sleep(BETWEEN_MS)]);
    if (!gone) await speak();
  }
  const killed = gone && gateway.child.signalCode === 'SIGKILL';
  await gateway.kill();
  return killed;
}

interface Status {
  readonly state: string;
  readonly waiting: number;
  readonly dead_letters: number;
}

async function statusOf(name: string, { dataDir, port }: Place): Promise<Status> {
  const headers = { Authorization: `Bearer ${ownerToken(dataDir)}` };
  return (await (await fetch(`http://127.0.0.1:${port}/api/v1/channels/${name}`, { headers })).json()) as Status;
}

async function untilOnline(name: string, place: Place): Promise<void> {
  for (const end = performance.now() + QUIET_MS; (await statusOf(name, place)).state !== 'online'; ) {
    if (performance.now() > end) throw new Error(`${name} does not come online`);
    await sleep(50);
  }
}

const texts = (people: PeopleOn): readonly string[] => people.seen().map(({ text }) => text);
const times = (all: readonly string[], word: string): number => all.filter((text) => text.includes(word)).length;

async function untilAnswered(
  name: string,
  people: PeopleOn,
  said: readonly Said[],
  place: Place,
): Promise<readonly string[]> {
  for (const end = performance.now() + QUIET_MS; ; await sleep(100)) {
    const all = texts(people);
    const open = said.filter(({ word }) => times(all, word) === 0);
    const given_up = all.filter((text) => GIVEN_UP.test(text)).length;
    const { waiting, dead_letters } = await statusOf(name, place);
    const late = performance.now() > end;
    if (!late && (open.length > given_up || waiting > 0 || people.untaken() > 0)) continue;
    return [
      ...(open.length > given_up ? open.map(({ word }) => `${word} was never answered`) : []),
      ...(waiting > 0 ? [`${waiting} answers wait`] : []),
      ...(dead_letters > 0 ? [`${dead_letters} dead letters`] : []),
      ...(people.untaken() > 0 ? [`${people.untaken()} messages were never taken`] : []),
    ];
  }
}

/** @returns answers that were shown twice */
function audit(
  name: Redelivering,
  people: PeopleOn,
  said: readonly Said[],
  { dataDir }: Place,
  problems: string[],
): number {
  const all = texts(people);
  const doubled = said.filter(({ word }) => times(all, word) > 1);
  const { keys, unknown } = journaled(dataDir, name);
  for (const { word } of doubled) {
    const key = keys.find(({ content }) => content.includes(word))?.key ?? '';
    if (REDELIVERING[name] === 'one') problems.push(`the answer to ${word} was shown ${times(all, word)} times`);
    // Only what was in flight when a life ended, and the journal says so.
    else if (times(all, word) - 1 > (unknown.get(key) ?? 0))
      problems.push(`the answer to ${word} (${key}) was shown twice, which the journal does not know`);
  }
  // A mail is a conversation of its own.
  for (const from of name === 'email' ? [] : PEOPLE) {
    const at = said
      .filter((one) => one.from === from)
      .map(({ word }) => all.findIndex((text) => text.includes(word)))
      .filter((index) => index >= 0);
    if (at.some((one, nth) => one < (at[nth - 1] ?? -1))) problems.push(`the answers to ${from} are out of order`);
  }
  return doubled.length;
}

interface Journaled {
  /** Answers by their keys. */
  readonly keys: readonly { readonly key: string; readonly content: string }[];
  /** How often one was sent without anybody knowing whether it had been, by its key. */
  readonly unknown: ReadonlyMap<string, number>;
}

function journaled(dataDir: string, name: string): Journaled {
  const db = new Database(join(dataDir, 'journal.db'), { readonly: true });
  try {
    const rows = db
      .prepare<[string], { type: string; payload: string }>('SELECT type, payload FROM records WHERE stream = ?')
      .all(`channel/${name}`);
    const keys: { key: string; content: string }[] = [];
    const unknown = new Map<string, number>();
    for (const { type, payload } of rows) {
      const record = JSON.parse(payload) as { key: string; content?: string; outcome_unknown?: boolean };
      if (type === 'reply_queued') keys.push({ key: record.key, content: record.content ?? '' });
      if (type === 'reply_sending' && record.outcome_unknown === true)
        unknown.set(record.key, (unknown.get(record.key) ?? 0) + 1);
    }
    return { keys, unknown };
  } finally {
    db.close();
  }
}
