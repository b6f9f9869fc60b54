// SPDX-License-Identifier: Apache-2.0
// Kills at every place a message of a chat platform and its answer pass, over a platform that sends again what was not taken.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CHANNEL_POINTS } from '../../src/composition/kill-points.ts';
import { type Account, ScriptedPlatform, type Shown } from '../channels/scripted/platform.ts';
import { freePort, type GatewayProcess, ownerToken, spawnGateway } from './gateway-process.ts';

export interface ChannelsOptions {
  readonly keep: boolean;
  /** The how manieth time a place is passed is killed at; a life for each. */
  readonly passes: readonly number[];
}

export interface ChannelFigures {
  readonly kills: number;
  readonly places: number;
  readonly messages: number;
  /** Messages of the agent that were sent twice where the platform does not tell. */
  readonly again: number;
  readonly problems: number;
}

const ADAPTERS = fileURLToPath(new URL('../channels/scripted/adapters.ts', import.meta.url));
/** What channels there are, by how their platforms tell one message from another. */
const KINDS = {
  none: {},
  window: { dedupe: 'window' },
  lookup: { dedupe: 'lookup' },
  growing: { dedupe: 'window', editing: true },
} as const;
type Kind = keyof typeof KINDS;
const PEOPLE = ['ann', 'bob', 'cyd'] as const;
/** How long a place may take to be passed, and all that was said to be answered at the end, in milliseconds. */
const PATIENCE_MS = 20_000;
const QUIET_MS = 60_000;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Said {
  readonly kind: Kind;
  readonly from: string;
  readonly word: string;
}

export async function killChannels({ keep, passes }: ChannelsOptions): Promise<ChannelFigures> {
  console.log(`crash: at ${CHANNEL_POINTS.length} places on the way of chat messages, ${passes.join('., ')}. time`);
  const platform = new ScriptedPlatform();
  await platform.listen();
  const dir = mkdtempSync(join(tmpdir(), 'sigil-chat-crash-'));
  const config = join(dir, 'sigil.yaml');
  writeFileSync(config, configOf(platform.port));
  const place = { dataDir: join(dir, 'data'), port: await freePort(), effects: join(dir, 'effects') };
  const env = { SIGIL_CONFIG: config, SIGIL_TEST_CHANNELS: ADAPTERS };
  for (const kind of ['window', 'growing'] as const) platform.account(kind).window = true;
  const said: Said[] = [];
  const speak = (): void => {
    for (const kind of Object.keys(KINDS) as Kind[]) {
      for (const from of PEOPLE) {
        const word = `w${said.length}q`;
        said.push({ kind, from, word });
        platform.account(kind).say({ from, text: `tell me of ${word}` });
      }
    }
  };
  const reached = new Set<string>();
  const problems: string[] = [];
  let kills = 0;
  try {
    for (const nth of passes) {
      for (const point of CHANNEL_POINTS) {
        const gateway = spawnGateway(place, { ...env, SIGIL_KILL_AT: `${point}:${nth}` });
        speak();
        const killed = await livesUntilKilled(gateway, speak);
        kills += 1;
        if (killed) reached.add(point);
        else console.log(`  ${point}:${nth} was not passed`);
      }
    }
    const gateway = spawnGateway(place, env);
    await gateway.listening;
    speak();
    problems.push(...(await untilAnswered(platform, said, place)));
    await gateway.stop();
  } finally {
    await platform.close();
  }
  for (const point of CHANNEL_POINTS) if (!reached.has(point)) problems.push(`${point} is never passed`);
  const again = audit(platform, said, kills, problems);
  for (const problem of problems.slice(0, 30)) console.log(`  PROBLEM ${problem}`);
  if (keep && problems.length > 0) console.log(`  data kept in ${dir}`);
  else rmSync(dir, { recursive: true, force: true });
  console.log(
    `  ${said.length} messages, ${kills} kills, ${again} sent again unknowingly, ${problems.length} problems`,
  );
  return { kills, places: reached.size, messages: said.length, again, problems: problems.length };
}

/** Whether the place was passed; otherwise the kill comes after a while all the same. */
async function livesUntilKilled(gateway: GatewayProcess, speak: () => void): Promise<boolean> {
  let gone = false;
  const ended = gateway.gone.then(() => {
    gone = true;
  });
  for (let waited = 0; !gone && waited < PATIENCE_MS; waited += 1_000) {
    await Promise.race([ended, sleep(1_000)]);
    // A place that is passed the twentieth time needs that many messages.
    if (!gone && (await Promise.race([gateway.listening, sleep(0)])) !== undefined) speak();
  }
  const killed = gone;
  await gateway.kill();
  return killed;
}

async function untilAnswered(
  platform: ScriptedPlatform,
  said: readonly Said[],
  { dataDir, port }: { readonly dataDir: string; readonly port: number },
): Promise<string[]> {
  const headers = { Authorization: `Bearer ${ownerToken(dataDir)}` };
  const unanswered = (): readonly Said[] =>
    said.filter(({ kind, from, word }) => answers(platform.account(kind), from, word).length === 0);
  const open = (): readonly Said[] => {
    const left = Map.groupBy(unanswered(), ({ kind, from }) => `${kind} ${from}`);
    return [...left.values()].flatMap((of) => {
      const [first] = of;
      return first === undefined ? [] : of.slice(givenUp(platform.account(first.kind), first.from));
    });
  };
  const until = Date.now() + QUIET_MS;
  for (;;) {
    const reply = await fetch(`http://127.0.0.1:${port}/api/v1/channels`, { headers });
    const { items } = (await reply.json()) as { items: { name: string; waiting: number; dead_letters: number }[] };
    const waiting = items.reduce((sum, channel) => sum + channel.waiting, 0);
    if (open().length === 0 && waiting === 0) {
      const dead = items.filter(({ dead_letters }) => dead_letters > 0);
      return dead.map(({ name, dead_letters }) => `${name} has ${dead_letters} dead letters`);
    }
    if (Date.now() > until) return open().map(({ kind, word }) => `${kind}: ${word} was never answered`);
    await sleep(100);
  }
}

/** What a person is told whose turn was cut off again and again without getting any further: a word of its own, and no answer. */
const GIVEN_UP = /^This could not be answered: The turn was interrupted/;

const givenUp = ({ shown }: Account, from: string): number =>
  shown.filter(({ in: there, text }) => there === `dm-${from}` && GIVEN_UP.test(text)).length;

const answers = ({ shown }: Account, from: string, word: string): readonly Shown[] =>
  shown.filter(({ in: there, text }) => there === `dm-${from}` && text.includes(word));

/** @returns what was sent again where the platform does not tell */
function audit(platform: ScriptedPlatform, said: readonly Said[], kills: number, problems: string[]): number {
  let again = 0;
  for (const kind of Object.keys(KINDS) as Kind[]) {
    const { shown, unacked } = platform.account(kind);
    if (unacked > 0) problems.push(`${kind}: ${unacked} messages were never taken`);
    const byKey = Map.groupBy(shown, ({ key }) => key);
    const doubled = [...byKey.values()].reduce((sum, same) => sum + same.length - 1, 0);
    if (kind === 'none') again = doubled;
    else if (doubled > 0) problems.push(`${kind}: ${doubled} messages were shown twice`);
    // Each message of a person is one turn, and each turn is said once, whole.
    const turns = Map.groupBy([...byKey.keys()], (key) => key.split(':')[0] ?? '');
    const mine = said.filter((one) => one.kind === kind);
    if (turns.size !== mine.length)
      problems.push(`${kind}: ${mine.length} messages were answered by ${turns.size} turns`);
    const parts = Math.max(...[...turns.values()].map((keys) => keys.length));
    for (const [turn, keys] of turns)
      if (keys.length !== parts && !GIVEN_UP.test(byKey.get(keys[0] ?? '')?.[0]?.text ?? ''))
        problems.push(`${kind}: ${turn} was said in ${keys.length} parts of ${parts}`);
    for (const from of PEOPLE) {
      const order = mine
        .filter((one) => one.from === from)
        .flatMap(({ word }) => answers(platform.account(kind), from, word)[0] ?? []);
      const at = order.map((one) => shown.indexOf(one));
      if (at.some((one, nth) => nth > 0 && one <= (at[nth - 1] ?? -1)))
        problems.push(`${kind}: the answers to ${from} are out of order`);
    }
  }
  // One message of each conversation can be in flight when a life ends.
  if (again > kills * PEOPLE.length) problems.push(`none: ${again} messages were sent again, with ${kills} kills`);
  return again;
}

function configOf(port: number): string {
  const users = PEOPLE.map((id) => ({
    ...{ id, name: id, role: 'owner', session_mode: 'per_channel' },
    identities: [{ channel: 'irc', platform_id: id }],
  }));
  const channels = Object.fromEntries(
    Object.entries(KINDS).map(([name, more]) => [
      name,
      { type: 'irc', pairing: 'closed', scripted: port, account: name, longest: 260, ...more },
    ]),
  );
  // JSON is YAML.
  return JSON.stringify({ users, channels, gateway: { threads: 2 } });
}
