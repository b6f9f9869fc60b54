// SPDX-License-Identifier: Apache-2.0
// A gateway under load whose configuration file is edited over and over: every edit is applied, and every message is answered once.

import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type House, newDataDir, type Person, startHouse } from '../flow/house.ts';
import { openAiChat } from '../wire/openai-chat.ts';
import { startWireServer, type WireRequest, type WireServer } from '../wire/server.ts';

/** What came of it. */
export interface EditFigures {
  readonly edits: number;
  /**
   * Milliseconds from the edit until what is asked shows it: the first, for which the worker that reads is started, and of
   * those after it the middle one and the longest.
   */
  readonly applied_ms: { readonly first: number; readonly p50: number; readonly most: number };
  readonly turns_sent: number;
  readonly answered: number;
  /** Messages without an answer that says what it should. */
  readonly lost: readonly string[];
  /** Messages a model was asked about more than once. */
  readonly doubled: readonly string[];
}

const OWNER = 'owner-token-7d0f3a92c4';
const usage = { inputTokens: 5, outputTokens: 5, cacheReadTokens: 0, cacheWriteTokens: 0 };
/** How long an edit may take until it shows, in milliseconds. */
const WITHIN = 30_000;
const LOOK_MS = 25;

const lastSaid = (asked: WireRequest): string => openAiChat.sent(asked).said.at(-1)?.text ?? '';

/** The configuration after so many edits: each touches something else, and the number can be read from it. */
function edited(number: number, [one, other]: readonly [WireServer, WireServer]): object {
  const on = (every: number): boolean => number % every === 0;
  const endpoint = (on(2) ? one : other).url;
  const mine = { type: 'openai-compatible', endpoint, max_retries: 0, max_concurrency: 8 + (number % 5) };
  return {
    auth: { tokens: [{ token: OWNER, user_id: 'owner', permissions: ['admin:*'] }, ...(on(3) ? [GUEST] : [])] },
    providers: { mine, ...(on(4) ? { beside: { ...mine, endpoint: other.url } } : {}) },
    models: {
      default: 'mine/m',
      budgets: { per_hour_usd: 100 + number, per_hour_tokens: on(5) ? 100_000_000 : 0 },
      pricing: { 'mine/m': { input: on(2) ? 1 : 2, output: 1 } },
    },
    workspaces: {
      marker: { description: `edit ${number}` },
      ...(on(3) ? { lab: { members: ['owner'], budgets: { per_hour_tokens: 1_000_000 + number } } } : {}),
    },
    users: on(2) ? [{ id: 'ada', name: `Ada ${number}` }] : [],
    agent: { persona: `You are number ${number % 7}.` },
    sessions: { max_tool_iterations: 5 + (number % 3) },
    logging: { level: on(2) ? 'warn' : 'error' },
  };
}

const GUEST = { token: 'guest-token-51b2c3d4e5f6', user_id: 'ada' };

const described = async (owner: Person): Promise<unknown> =>
  (await owner.get('/api/v1/config')).body.config?.workspaces?.marker?.description;

/** @param clients people who say something, wait for the answer and say the next, until the last edit is applied */
export async function editUnderLoad(edits: number, clients: number): Promise<EditFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'sigil-edits-'));
  const file = join(folder, 'sigil.yaml');
  const write = (number: number, servers: readonly [WireServer, WireServer]): void => {
    writeFileSync(`${file}.new`, stringify(edited(number, servers)));
    renameSync(`${file}.new`, file);
  };
  const servers = await Promise.all([startWireServer(), startWireServer()]);
  const asked = new Map<string, number>();
  for (const server of servers)
    server.answer((request) => {
      const text = lastSaid(request);
      asked.set(text, (asked.get(text) ?? 0) + 1);
      const deltas = ['Heard: ', text];
      return { ...openAiChat.stream({ parts: [{ type: 'text', deltas }], finish: 'stop', usage }) };
    });
  write(0, servers);
  const dataDir = newDataDir();
  let house: House | undefined;
  try {
    house = await startHouse({}, dataDir, file);
    const owner = house.person(OWNER);
    let over = false;
    let sent = 0;
    const lost: string[] = [];
    const talk = async (client: number): Promise<void> => {
      let session_id: string | undefined;
      for (let at = 0; !over; at++) {
        const text = `message ${client}-${at}`;
        sent += 1;
        const where = session_id === undefined ? {} : { session_id };
        const reply = await owner.chatOrWait(text, { ...where, message_id: `${client}-${at}` });
        session_id ??= reply.body.session_id;
        if (reply.status !== 200 || reply.body.content !== `Heard: ${text}`) lost.push(`${text}: ${reply.text}`);
      }
    };
    const talking = Array.from({ length: clients }, (_, client) => talk(client));
    const took: number[] = [];
    try {
      for (let number = 1; number <= edits; number++) {
        const begun = performance.now();
        write(number, servers);
        while ((await described(owner)) !== `edit ${number}`) {
          if (performance.now() - begun > WITHIN) throw new Error(`edit ${number} is not applied`);
          await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        }
        took.push(performance.now() - begun);
      }
    } finally {
      over = true;
      await Promise.all(talking);
    }
    const [first = 0] = took.splice(0, 1);
    took.sort((one, other) => one - other);
    const at = (index: number): number => Math.round(took.at(index) ?? 0);
    return {
      edits,
      applied_ms: { first: Math.round(first), p50: at(Math.floor(took.length / 2)), most: at(-1) },
      turns_sent: sent,
      answered: sent - lost.length,
      lost,
      doubled: [...asked].flatMap(([text, times]) => (times > 1 ? [`${text}: ${times} times`] : [])),
    };
  } finally {
    await house?.drain();
    await Promise.all(servers.map((server) => server.close()));
    for (const left of [folder, dataDir]) rmSync(left, { recursive: true, force: true });
  }
}
