// SPDX-License-Identifier: Apache-2.0
// The vendor of T1, T3 and T4, as a process: a model that says the same to everybody, in two formats, at the pace it is told.

import { anthropicMessages } from '../test/wire/anthropic.ts';
import type { WireReply } from '../test/wire/format.ts';
import { openAiChat } from '../test/wire/openai-chat.ts';
import { startWireServer, type WireAnswer } from '../test/wire/server.ts';

/** How it answers from now on. */
export interface Script {
  /** Tokens of a reply, an event of the vendor's each. */
  readonly tokens: number;
  /** Milliseconds between two of them; 0: as fast as it can. */
  readonly every: number;
}

/** A request as it came, for whoever wants to ask the same without a gateway. */
export interface Sample {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text. */
  readonly body: string;
}

/** `script` answers when it is done, `sample` with the newest request for such a path. */
export type VendorOrder = { readonly script: Script } | { readonly sample: string };

/** Requests kept for {@link Sample}: those of a moment, of either format. */
const KEPT = 256;
const LINE = '\n\n';
const HOP_BY_HOP: ReadonlySet<string> = new Set(['host', 'connection', 'content-length', 'transfer-encoding']);

const textOf = (tokens: number): WireReply => ({
  // About as long as the tokens of an English text are.
  parts: [{ type: 'text', deltas: Array.from({ length: tokens }, (_, at) => (at % 3 === 0 ? ' and' : ' word')) }],
  finish: 'stop',
  usage: { inputTokens: 400, outputTokens: tokens, cacheReadTokens: 0, cacheWriteTokens: 0 },
});

/** One event a chunk, as vendors send them; what is not a token goes with the first or the last. */
function scripted(answer: WireAnswer, { tokens, every }: Script, isToken: (event: string) => boolean): WireAnswer {
  const body = Buffer.from(answer.body);
  const cuts: number[] = [];
  let seen = 0;
  for (let from = 0, to = body.indexOf(LINE); to !== -1; from = to + LINE.length, to = body.indexOf(LINE, from)) {
    if (isToken(body.toString('utf8', from, to))) seen += 1;
    if (every === 0 || (seen > 0 && seen < tokens)) cuts.push(to + LINE.length);
  }
  if (seen !== tokens) throw new Error(`${seen} of ${tokens} tokens in the script`);
  return { ...answer, body, delivery: { cuts, every } };
}

const vendor = await startWireServer(KEPT);

function script(told: Script): void {
  const reply = textOf(told.tokens);
  const claude = scripted(anthropicMessages.stream(reply), told, (event) => event.includes('"text_delta"'));
  const openAi = scripted(openAiChat.stream(reply), told, (event) => event.includes('"delta":{"content":" '));
  vendor.answer(({ path }) => (path.endsWith('/messages') ? claude : openAi));
}

function sample(of: string): Sample {
  const request = vendor.requests.findLast(({ path }) => path.endsWith(of));
  if (request === undefined) throw new Error(`nobody has asked for ${of}`);
  const headers = Object.entries(request.headers).filter(([name]) => !HOP_BY_HOP.has(name));
  return {
    path: request.path,
    headers: Object.fromEntries(headers.map(([name, value]) => [name, String(value)])),
    body: JSON.stringify(request.body),
  };
}

process.on('message', (order: VendorOrder) => {
  if ('sample' in order) return void process.send?.(sample(order.sample));
  script(order.script);
  process.send?.(vendor.url);
});
process.on('disconnect', () => process.exit(0));
