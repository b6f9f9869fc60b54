// SPDX-License-Identifier: Apache-2.0
// T23: what it costs to say whose a chat message is and where it belongs, beside a bare message from thread to thread.

import type { Admission } from '../src/actors/channel/admission.ts';
import { admit } from '../src/actors/channel/admit.ts';
import { channelDoor } from '../src/actors/channel/door.ts';
import type { RoutingTable } from '../src/actors/channel/place.ts';
import { address } from '../src/bus/address.ts';
import { SharedCounter } from '../src/bus/counter.ts';
import type { MessageType, Protocols } from '../src/bus/envelope.ts';
import { portPair } from '../src/bus/in-process.ts';
import { threadNames } from '../src/bus/layout.ts';
import { createBusNode } from '../src/bus/node.ts';
import { Ports } from '../src/bus/ports.ts';
import type { ChannelInbound } from '../src/channels/adapter.ts';
import { realWorld as world } from '../src/composition/real-world.ts';
import { NO_MOVES, pairOf, unpackTable } from '../src/stores/directory-table.ts';
import { alternate, type Measured } from './measured.ts';

const USERS = 10_000;
const WORKSPACES = 100;
/** Of a workspace's own. */
const MEMBERS = 100;
/** Messages in one round, some of each kind. */
const MESSAGES = 40_000;
const ASKED = 4_096;
/** Sent before the loop turns, as in a thread that is given a batch. */
const BURST = 512;

type Any = Readonly<Record<string, MessageType>>;
type Loose = Protocols & Readonly<Record<keyof Protocols, Any>>;

/** Nanoseconds of processor time since. */
function since(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1_000;
}

function routing(): RoutingTable {
  const id = (at: number): string => `user-${at % USERS}`;
  const people = unpackTable({
    ...NO_MOVES,
    ...{ version: 1, whole: true },
    roles: Array.from({ length: USERS }, (_, at) => [id(at), at % 10 === 0 ? 'guest' : 'member'] as const),
    identities: Array.from({ length: USERS }, (_, at) => [pairOf('telegram', `${at}`), id(at)] as const),
    pairings: Array.from({ length: USERS / 2 }, (_, at) => {
      const own = {
        id: `p${at}`,
        channel: 'tg',
        workspace_id: '',
        user_id: id(at),
        status: 'active',
        origin: 'request',
      };
      return [pairOf('telegram', `x${at}`), [own as never]] as const;
    }),
    bindings: Array.from({ length: WORKSPACES }, (_, at) => [pairOf('tg', `-${at}`), `lab-${at}`] as const),
    members: Array.from({ length: WORKSPACES }, (_, at) => {
      return [`lab-${at}`, Array.from({ length: MEMBERS }, (__, by) => id(at * MEMBERS + by))] as const;
    }),
  });
  return { people, queue: 'followup', session_mode: 'unified', content_most: 1_048_576 };
}

/** Direct messages of people who are known and who are paired, messages in groups of members and of strangers. */
function messages(): readonly ChannelInbound[] {
  return Array.from({ length: ASKED }, (_, at) => {
    const by = (at * 7) % USERS;
    const kind = at % 4;
    const platformId = kind === 1 ? `x${by % (USERS / 2)}` : kind === 3 ? `stranger-${at}` : `${by}`;
    const group = kind === 2;
    return {
      ...{ messageId: `${at}`, dedupeKey: `${platformId}:${at}`, direct: !group, mentionsAgent: group },
      channelId: group ? `-${Math.floor(by / MEMBERS)}` : platformId,
      sender: { platformId, displayName: 'Somebody' },
      content: 'a message of ordinary length, as one a person types',
      ...{ attachments: [], at: 0, metadata: {} },
    };
  });
}

/** In nanoseconds of processor time each. */
export async function measureT23(rounds = 7): Promise<Measured> {
  const table = routing();
  const asked = messages();
  const door = channelDoor('tg', {
    ...{ type: 'telegram', pairing: 'pair_with_code', respond: 'mention', allowlist: [], denied_reply: '' },
  });
  const kinds = new Map<Admission['kind'], number>();
  const decide = (): number => {
    const before = process.cpuUsage();
    for (let at = 0; at < MESSAGES; at += 1) {
      const message = asked[at % ASKED];
      if (message === undefined) continue;
      const { kind } = admit(message, door, table);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    }
    return since(before) / MESSAGES;
  };
  const layout = { lanes: 1, io: 1 };
  const names = threadNames(layout);
  const counter = new SharedCounter(names.length, new SharedArrayBuffer(SharedCounter.bytes(names.length)));
  const [io, lane] = [names.indexOf('io-1'), names.indexOf('lane-1')];
  const there = createBusNode<Loose>({ thread: lane, life: 1, layout, world, counter });
  const bus = createBusNode<Loose>({ thread: io, life: 1, layout, world, counter });
  const ports = portPair(setImmediate);
  new Ports(bus).attach(lane, 1, ports[0]);
  new Ports(there).attach(io, 1, ports[1]);
  let seen = 0;
  there.host('session', () => {
    seen += 1;
  });
  const to = address('session', '0198c0de-5eed-7000-8000-000000000001');
  const from = address('thread', 'io-1');
  const send = async (): Promise<number> => {
    seen = 0;
    const before = process.cpuUsage();
    for (let sent = 0; sent < MESSAGES; ) {
      const until = Math.min(MESSAGES, sent + BURST);
      while (sent < until && bus.send(to, 'bench.count', asked[sent % ASKED], { from })) sent += 1;
      while (seen < sent) await new Promise(setImmediate);
    }
    return since(before) / MESSAGES;
  };
  // Both warm, and every kind among them: what is refused must not be what makes it cheap.
  decide();
  await send();
  const [taken = 0, refused = 0] = [kinds.get('deliver'), kinds.get('refuse')];
  if (Math.abs(taken / (taken + refused) - 0.75) > 0.01) throw new Error(`${taken} were taken, ${refused} refused`);
  const measured = await alternate(rounds, async () => decide(), send);
  bus.close();
  there.close();
  return measured;
}

if (import.meta.main) console.log(await measureT23(Number(process.argv[2] ?? 7)));
