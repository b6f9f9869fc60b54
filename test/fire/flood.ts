// SPDX-License-Identifier: Apache-2.0
// A flood as a process of its own: so many chat messages a second over connections that stand, whether or not anything is
// answered. Bytes are made by hand and answers are read no further than they must be, so that it costs the gateway's
// machine as little as a flood can.

import { connect, type Socket } from 'node:net';

/** What a flood is told to do. */
export interface FloodOrder {
  readonly port: number;
  readonly token: string;
  /** Keys of its messages begin with this. */
  readonly name: string;
  /** Messages a second. */
  readonly rate: number;
  readonly seconds: number;
}

/** What became of it. */
export interface Flooded {
  /** Requests that were written, and how many of them have an answer. */
  readonly sent: number;
  readonly answered: number;
  /** Turns that were answered with 200, with the key of their message, and after how many milliseconds. */
  readonly turns: readonly (readonly [turn_id: string, key: string])[];
  readonly took: readonly number[];
  /** Refusals by status and code, and after how many milliseconds half of them and 99 % of them came. */
  readonly refused: Readonly<Record<string, number>>;
  readonly refused_p50: number;
  readonly refused_p99: number;
  /** Refusals that do not say when to come again. */
  readonly without: number;
  /** Answers that cannot be. */
  readonly wrong: readonly string[];
  /** Seconds of processor time it took. */
  readonly cpu: number;
  /** From the first message to the last, in seconds. */
  readonly took_s: number;
}

const CONNECTIONS = 200;
/** Messages written at once to one connection. */
const AT_ONCE = 4;
/** Unanswered on one connection; past it nothing more is written to it. What finds no connection is not sent. */
const UNANSWERED = 64;
const TICK_MS = 2;
/** How long after the last message answers are waited for. */
const PATIENCE_MS = 20_000;

interface Line {
  readonly socket: Socket;
  /** What was sent and has no answer, oldest first: from `first` on. */
  waiting: { readonly at: number; readonly sent: number }[];
  first: number;
  rest: string;
}

class Flood {
  readonly #order: FloodOrder;
  readonly #head: string;
  readonly #lines: Line[] = [];
  #next = 0;
  #sent = 0;
  #answered = 0;
  #without = 0;
  readonly #took: number[] = [];
  readonly #refusedTook: number[] = [];
  readonly #turns: [string, string][] = [];
  readonly #refused = new Map<string, number>();
  readonly #wrong: string[] = [];

  constructor(order: FloodOrder) {
    this.#order = order;
    this.#head = `POST /api/v1/chat HTTP/1.1\r\nHost: 127.0.0.1:${order.port}\r\nAuthorization: Bearer ${order.token}\r\nContent-Type: application/json\r\nContent-Length: `;
  }

  /** Connections one after the other: node accepts one of them a turn of its loop, and it is not that which is looked at. */
  async connect(): Promise<void> {
    for (let at = 0; at < CONNECTIONS; at += 1) {
      const socket = connect(this.#order.port, '127.0.0.1');
      await new Promise<void>((resolve, reject) => {
        socket.once('connect', resolve);
        socket.once('error', reject);
      });
      socket.setNoDelay(true);
      const line: Line = { socket, waiting: [], first: 0, rest: '' };
      socket.setEncoding('latin1');
      socket.on('data', (text: string) => this.#read(line, text));
      socket.on('error', (error) => this.#wrong.push(`a connection failed: ${error.message}`));
      socket.on('close', () =>
        this.#wrong.push(`a connection was closed with ${line.waiting.length - line.first} unanswered`),
      );
      this.#lines.push(line);
    }
  }

  async run(): Promise<Flooded> {
    const { rate, seconds } = this.#order;
    const cpu = process.cpuUsage();
    const from = performance.now();
    const all = Math.round(rate * seconds);
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const elapsed = performance.now() - from;
        if (elapsed >= seconds * 1_000) {
          clearInterval(timer);
          resolve();
          return;
        }
        // What could not be sent in its time is not sent later: it was not offered.
        this.#send(Math.min(all, Math.floor((elapsed / 1_000) * rate)));
      }, TICK_MS);
    });
    const took_s = (performance.now() - from) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    const until = performance.now() + PATIENCE_MS;
    while (this.#answered < this.#sent && performance.now() < until) await new Promise((go) => setTimeout(go, 5));
    if (this.#answered < this.#sent) this.#wrong.push(`${this.#sent - this.#answered} were never answered`);
    for (const { socket } of this.#lines) {
      socket.removeAllListeners('close');
      socket.destroy();
    }
    const sorted = Float64Array.from(this.#refusedTook).sort();
    return {
      sent: this.#sent,
      answered: this.#answered,
      turns: this.#turns,
      took: this.#took,
      refused: Object.fromEntries(this.#refused),
      refused_p50: sorted[Math.floor(sorted.length * 0.5)] ?? 0,
      refused_p99: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
      without: this.#without,
      wrong: this.#wrong.slice(0, 20),
      cpu: (user + system) / 1e6,
      took_s,
    };
  }

  #due = 0;

  #send(due: number): void {
    while (this.#due < due) {
      const line = this.#free();
      const count = Math.min(AT_ONCE, due - this.#due);
      this.#due += count;
      if (line === undefined) continue;
      const now = performance.now();
      let text = '';
      for (let left = count; left > 0; left -= 1) {
        const at = this.#sent;
        this.#sent += 1;
        const body = `{"content":"what is ${at}+1?","message_id":"${this.#key(at)}"}`;
        text += `${this.#head}${body.length}\r\n\r\n${body}`;
        line.waiting.push({ at, sent: now });
      }
      line.socket.write(text, 'latin1');
    }
  }

  #free(): Line | undefined {
    for (let tried = 0; tried < CONNECTIONS; tried += 1) {
      const line = this.#lines[this.#next];
      this.#next = (this.#next + 1) % CONNECTIONS;
      if (line !== undefined && line.waiting.length - line.first < UNANSWERED) return line;
    }
    return undefined;
  }

  #key(at: number): string {
    return `${this.#order.name}-${at}`;
  }

  #read(line: Line, text: string): void {
    const all = line.rest === '' ? text : line.rest + text;
    let at = 0;
    for (;;) {
      const end = all.indexOf('\r\n\r\n', at);
      if (end === -1) break;
      const head = all.slice(at, end);
      const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      const next = end + 4 + length;
      if (next > all.length) break;
      this.#answer(line, head, all.slice(end + 4, next));
      at = next;
    }
    line.rest = all.slice(at);
  }

  #answer(line: Line, head: string, body: string): void {
    const asked = line.waiting[line.first];
    line.first += 1;
    if (line.first > 1_024) {
      line.waiting = line.waiting.slice(line.first);
      line.first = 0;
    }
    if (asked === undefined) {
      this.#wrong.push('an answer to nothing');
      return;
    }
    this.#answered += 1;
    const took = performance.now() - asked.sent;
    const status = head.slice(9, 12);
    if (status === '200') {
      this.#took.push(took);
      const key = this.#key(asked.at);
      const { turn_id, content, message_id } = JSON.parse(body) as Record<string, string>;
      if (message_id !== key || content !== `${asked.at}+1 = ${asked.at + 1}`)
        this.#wrong.push(`${key} was answered ${body}`);
      this.#turns.push([turn_id ?? '', key]);
      return;
    }
    this.#refusedTook.push(took);
    if (!/^retry-after: \d/im.test(head)) this.#without += 1;
    const code = `${status} ${/"code":"(\w+)"/.exec(body)?.[1]}`;
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
    if (status !== '503' && status !== '429') this.#wrong.push(`answered ${code}`);
  }
}

process.once('message', async (order: FloodOrder) => {
  const flood = new Flood(order);
  await flood.connect();
  process.send?.('connected');
  process.once('message', async () => {
    const flooded = await flood.run();
    process.send?.(flooded, () => process.disconnect());
  });
});
