// SPDX-License-Identifier: Apache-2.0
// The people of the fire runs: they talk to a gateway process over HTTP and note when they were answered, and with what.

import { Agent, type IncomingMessage, request } from 'node:http';
import type { GatewayLog } from './gateway-log.ts';

/** How often somebody asks again, a quarter of a second apart. */
const ASK_AGAIN = 80;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  // biome-ignore lint/suspicious/noExplicitAny: what a run looks into is what it is about.
  readonly body: any;
  /** Milliseconds since the epoch. */
  readonly sent: number;
  readonly took: number;
}

/** A gateway to talk to, and everything that was answered. */
export class Place {
  readonly port: number;
  readonly log: GatewayLog;
  readonly token: string;
  readonly #agent: Agent;
  /** Turns somebody was given the answer of: none may be missing from the journal. */
  readonly answered: Map<string, string>;
  /** Answers that cannot be: another message's, or another answer to the same message. */
  readonly wrong: string[];

  constructor(port: number, token: string, log: GatewayLog, shared?: Pick<Place, 'answered' | 'wrong'>, agent?: Agent) {
    this.port = port;
    this.log = log;
    this.token = token;
    this.#agent = agent ?? new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
    this.answered = shared?.answered ?? new Map();
    this.wrong = shared?.wrong ?? [];
  }

  /** The same place to somebody else. */
  as(token: string): Place {
    return new Place(this.port, token, this.log, this, this.#agent);
  }

  /** Sends and waits for the headers. */
  open(method: string, path: string, json?: object, socketPath?: string): Promise<IncomingMessage> {
    const body = json === undefined ? undefined : JSON.stringify(json);
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          ...(socketPath === undefined ? { host: '127.0.0.1', port: this.port, agent: this.#agent } : { socketPath }),
          method,
          path,
          headers: {
            Authorization: `Bearer ${this.token}`,
            ...(body === undefined
              ? {}
              : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }),
          },
        },
        resolve,
      );
      sent.on('error', reject);
      sent.end(body);
    });
  }

  async call(method: string, path: string, json?: object): Promise<Answer> {
    const sent = Date.now();
    const began = performance.now();
    const response = await this.open(method, path, json);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      body: text === '' ? undefined : JSON.parse(text),
      sent,
      took: performance.now() - began,
    };
  }

  /** Says a sum under a key of its own and checks what is answered. */
  async sum(key: string, at: number, more: object = {}): Promise<Answer> {
    const answer = await this.call('POST', '/api/v1/chat', { content: `what is ${at}+1?`, message_id: key, ...more });
    if (answer.status === 200) this.#check(key, `${at}+1 = ${at + 1}`, answer.body);
    return answer;
  }

  /** The thread a session lives on. That one is asked, and just after a loss it may have too much to do to answer in time. */
  async threadOf(session_id: string): Promise<string> {
    for (let left = ASK_AGAIN; ; left -= 1) {
      const { status, body } = await this.call('GET', `/debug/actors/session/${session_id}`);
      if (status === 200) return body.thread;
      if ((status !== 503 && status !== 504) || left === 0)
        throw new Error(`where ${session_id} lives is answered ${status} ${body.code}`);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #check(key: string, expected: string, body: { turn_id: string; content: string }): void {
    if (body.content !== expected) this.wrong.push(`${key} was answered ${JSON.stringify(body.content)}`);
    const before = this.answered.get(body.turn_id);
    if (before !== undefined && before !== key) this.wrong.push(`${key} and ${before} were answered by one turn`);
    this.answered.set(body.turn_id, key);
  }
}

/** Somebody with a session of their own who says one sum after the other, a pause between. */
export class Neighbour {
  readonly #place: Place;
  readonly #name: string;
  #at = 0;
  #going: Promise<void> = Promise.resolve();
  #stopped = false;
  session_id = '';
  lane = '';
  /** One for each message: from when it was first said until it was answered, refusals in between. */
  readonly answers: Answer[] = [];
  /** When it was told to come again, or anything else than its answer. */
  readonly refusals: number[] = [];

  /** @param place as this somebody finds it */
  constructor(place: Place, name: string) {
    this.#place = place;
    this.#name = name;
  }

  /** The first message, which makes the session; then the thread it lives on is known. */
  async begin(owner: Place): Promise<void> {
    const { body } = await this.#place.sum(`${this.#name}-first`, 0);
    this.session_id = body.session_id;
    this.lane = await owner.threadOf(this.session_id);
  }

  start(pause: number): void {
    this.#stopped = false;
    this.#going = this.#run(pause);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#going;
  }

  async #run(pause: number): Promise<void> {
    while (!this.#stopped) {
      this.#at += 1;
      const key = `${this.#name}-${this.#at}`;
      const began = performance.now();
      let first: number | undefined;
      for (;;) {
        const answer = await this.#place.sum(key, this.#at, { session_id: this.session_id });
        first ??= answer.sent;
        if (answer.status === 200) {
          this.answers.push({ ...answer, sent: first, took: performance.now() - began });
          break;
        }
        // What was refused is said again under its key, as its sender is told to, only sooner.
        this.refusals.push(answer.sent);
        await new Promise((resolve) => setTimeout(resolve, pause));
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}
