// SPDX-License-Identifier: Apache-2.0
// Both ends of T1, T3 and T4, in processes of their own: the gateway, and the vendor it asks; and how each is asked.

import { type ChildProcess, fork } from 'node:child_process';
import { StreamClient, type Talk } from './stream-client.ts';
import type { Equipment, GatewayOrder, GatewayStarted } from './turn-gateway.ts';
import type { Sample, Script, VendorOrder } from './vendor.ts';

/** A provider that is measured: what its models are called at the gateway, and what its vendor's stream looks like. */
export interface Through {
  readonly provider: 'openai-compatible' | 'anthropic';
  readonly model: string;
  /** How the path ends at which its vendor is asked. */
  readonly path: string;
  /** The text of an event of the vendor's, if it brings some. */
  readonly textOf: Talk['textOf'];
}

interface OpenAiChunk {
  readonly choices?: readonly { readonly delta?: { readonly content?: string } }[];
}
interface ClaudeEvent {
  readonly delta?: { readonly text?: string };
}

export const THROUGH: readonly [Through, Through] = [
  {
    ...{ provider: 'openai-compatible', model: 'local/some-model', path: '/chat/completions' },
    textOf: (_, data) =>
      data === '[DONE]' ? undefined : (JSON.parse(data) as OpenAiChunk).choices?.[0]?.delta?.content,
  },
  {
    ...{ provider: 'anthropic', model: 'claude/claude-sonnet-5-5', path: '/messages' },
    textOf: (_, data) => (JSON.parse(data) as ClaudeEvent).delta?.text,
  },
];

const CONTENT = 'Tell me something about the mountains, please.';
/** Turns of a session; then the next begins. More of them only make the requests longer, on either side. */
const SESSION_TURNS = 10;

function asked<Order extends object | string, Answer>(child: ChildProcess, order: Order): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error(`${child.spawnfile} has ended`));
    child.once('exit', ended);
    child.once('message', (answer) => {
      child.off('exit', ended);
      resolve(answer as Answer);
    });
    child.send(order);
  });
}

export interface Served {
  readonly gateway: GatewayStarted;
  readonly vendor: string;
  script(script: Script): Promise<void>;
  /** The newest request the vendor was sent through this provider. */
  sample(of: Through): Promise<Sample>;
  /** MiB the gateway holds, everything collected. */
  memory(): Promise<number>;
  /** Processor time the gateway has used, in microseconds. */
  cpu(): Promise<number>;
  /** One client of the gateway, in sessions of its own of so many turns. */
  ours(through: Through, sessionTurns?: number): Talk;
  /** One that sends the vendor what the gateway sent it. */
  direct(through: Through, sample: Sample): Talk;
  stop(): void;
}

/**
 * @param flags node's own for the gateway
 * @param equipment what its agent has
 */
export async function serve(flags: readonly string[] = [], equipment: Equipment = 'usual'): Promise<Served> {
  const vendor = fork(new URL('./vendor.ts', import.meta.url), { execArgv: [] });
  const child = fork(new URL('./turn-gateway.ts', import.meta.url), { execArgv: [...flags] });
  const script = (told: Script): Promise<string> => asked<VendorOrder, string>(vendor, { script: told });
  const stop = (): void => {
    child.kill();
    vendor.kill();
  };
  try {
    const url = await script({ tokens: 20, every: 0 });
    const gateway = await asked<GatewayOrder, GatewayStarted>(child, { vendor: url, equipment });
    return {
      gateway,
      vendor: url,
      script: async (told) => void (await script(told)),
      sample: ({ path }) => asked<VendorOrder, Sample>(vendor, { sample: path }),
      memory: () => asked<GatewayOrder, number>(child, 'memory'),
      cpu: () => asked<GatewayOrder, number>(child, 'cpu'),
      ours: ({ model }, sessionTurns = SESSION_TURNS) => ourTalk(gateway, model, sessionTurns),
      direct: ({ textOf }, sample) => directTalk(url, textOf, sample),
      stop,
    };
  } catch (error) {
    stop();
    throw error;
  }
}

function ourTalk({ url, token }: GatewayStarted, model: string, sessionTurns: number): Talk {
  let session_id: string | undefined;
  let turns = 0;
  return {
    url: new URL('/api/v1/chat/stream', url),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    next: () => {
      turns = turns === sessionTurns ? 1 : turns + 1;
      if (turns === 1) session_id = undefined;
      return JSON.stringify({ content: CONTENT, model, session_id });
    },
    textOf: (event, data) => (event === 'text_delta' ? (JSON.parse(data) as { text: string }).text : undefined),
    began: (data) => {
      session_id = (JSON.parse(data) as { session_id?: string }).session_id;
      if (session_id === undefined) throw new Error(`no session was told: ${data.slice(0, 300)}`);
    },
  };
}

function directTalk(url: string, textOf: Talk['textOf'], { path, headers, body }: Sample): Talk {
  return { url: new URL(path, url), headers, next: () => body, textOf, began: () => undefined };
}

/** Some turns of each client, so that all that is used later has been compiled, and the vendor has a request to show. */
export async function warmUp(served: Served, through: Through, clients: number, turns: number): Promise<void> {
  const talks = Array.from({ length: clients }, () => new StreamClient(served.ours(through)));
  let left = turns;
  await Promise.all(
    talks.map(async (talk) => {
      while (left > 0) {
        left -= 1;
        await talk.turn();
      }
      talk.close();
    }),
  );
}
