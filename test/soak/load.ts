// SPDX-License-Identifier: Apache-2.0
// What goes on during a soak: people who talk whole and streamed, on chat channels, who search, look on, come and go; and lanes that die.

import type { WebhookPlatform } from '../channels/webhook/platform.ts';
import { request } from '../channels/webhook/platform.ts';
import type { Reply, ServerEvent } from '../edge/client.ts';
import { type Listener, numberOf, type Person, textOf } from '../flow/house.ts';
import type { Gateway } from './gateway.ts';

/** What was counted; everything but the first group should stay 0. */
export interface Tally {
  messages: number;
  streamed: number;
  onChannels: number;
  resumed: number;
  repeated: number;
  searches: number;
  looks: number;
  kills: number;
  lost: number;
  doubled: number;
  readonly unexpected: string[];
}

export const newTally = (): Tally => ({
  ...{ messages: 0, streamed: 0, onChannels: 0, resumed: 0, repeated: 0, searches: 0, looks: 0, kills: 0 },
  ...{ lost: 0, doubled: 0, unexpected: [] },
});

/** What may be answered while a lane dies, or another has too much to do: the same request is sent again. */
const PASSING: ReadonlySet<string> = new Set(['thread_lost', 'overloaded', 'view_behind', 'deadline_exceeded']);
/** Turns of a session before another is begun. */
const TURNS = 12;
/** How long somebody tries again, in milliseconds. */
const PATIENCE_MS = 60_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Load {
  readonly tally = newTally();
  readonly #gateway: Gateway;
  readonly #hooks: Readonly<Record<string, WebhookPlatform>>;
  readonly #draw: () => number;
  #over = false;

  /** @param draw numbers from 0 to 1 */
  constructor(gateway: Gateway, hooks: Readonly<Record<string, WebhookPlatform>>, draw: () => number) {
    this.#gateway = gateway;
    this.#hooks = hooks;
    this.#draw = draw;
  }

  /** Goes on until it is told to stop, and settles when everybody has said their last. */
  async run(people: readonly Person[], killEveryMs: number): Promise<void> {
    const talkers = people.flatMap((person, at) => [
      this.#forever(`talker ${at}`, () => this.#conversation(person, `t${at}`)),
      this.#forever(`listener ${at}`, () => this.#streams(person)),
    ]);
    const chats = Object.keys(this.#hooks).map((name) => this.#forever(name, () => this.#onChannel(name)));
    const [first] = people;
    if (first === undefined) throw new Error('nobody talks');
    await Promise.all([
      ...talkers,
      ...chats,
      this.#forever('searcher', () => this.#search(first)),
      this.#forever('debugger', () => this.#look()),
      this.#forever('killer', async () => {
        await this.#wait(killEveryMs);
        if (this.#over) return;
        await this.#gateway.killThread(this.#draw() < 0.5 ? 'lane-1' : 'lane-2');
        this.tally.kills += 1;
      }),
    ]);
  }

  stop(): void {
    this.#over = true;
  }

  async #forever(who: string, once: () => Promise<void>): Promise<void> {
    while (!this.#over) {
      try {
        await once();
      } catch (thrown) {
        this.#wrong(`${who}: ${thrown instanceof Error ? thrown.message : thrown}`);
        await this.#wait(1_000);
      }
      await this.#wait(100 + this.#draw() * 300);
    }
  }

  /** Ends early when all is over. */
  async #wait(ms: number): Promise<void> {
    for (let left = ms; left > 0 && !this.#over; left -= 100) await pause(Math.min(100, left));
  }

  #wrong(what: string): void {
    // A soak that goes wrong goes wrong often: the first say what it is.
    if (this.tally.unexpected.length < 50) this.tally.unexpected.push(what.slice(0, 300));
  }

  /** Sends again what was refused in passing, under its own key. */
  async #sure(send: () => Promise<Reply>): Promise<Reply> {
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const reply = await send();
      if (reply.status === 200 || !PASSING.has(reply.body?.code) || performance.now() > until) return reply;
      await pause(100 + this.#draw() * 200);
    }
  }

  /** A session from its first message to its reading at the end: nothing in it is missing, nothing is there twice. */
  async #conversation(person: Person, who: string): Promise<void> {
    let session_id: string | undefined;
    const said: string[] = [];
    for (let turn = 0; turn < TURNS && !this.#over; turn += 1) {
      const [a, b] = [2 + Math.floor(this.#draw() * 90), 2 + Math.floor(this.#draw() * 90)];
      const message_id = `${who}-${crypto.randomUUID()}`;
      const body = { message_id, ...(session_id === undefined ? {} : { session_id }) };
      const send = (): Promise<Reply> => this.#sure(() => person.chat(`what is ${a}*${b}?`, body));
      // Some send the same twice at once, as clients do whose network is bad.
      const twice = this.#draw() < 0.1;
      const [reply, again] = await Promise.all([send(), ...(twice ? [send()] : [])]);
      said.push(message_id);
      this.tally.messages += 1;
      if (reply === undefined || reply.status !== 200) this.#wrong(`a message: ${reply?.status} ${reply?.text}`);
      else if (!reply.body.content.includes(String(a * b))) this.#wrong(`${a}*${b} is ${reply.body.content}`);
      if (again !== undefined) {
        this.tally.repeated += 1;
        if (again.body?.turn_id !== reply?.body?.turn_id) this.tally.doubled += 1;
      }
      session_id = reply?.body?.session_id ?? session_id;
      await this.#wait(this.#draw() * 400);
    }
    if (session_id !== undefined) await this.#audit(person, session_id, said);
  }

  async #audit(person: Person, session_id: string, said: readonly string[]): Promise<void> {
    const read = await this.#sure(() => person.get(`/api/v1/sessions/${session_id}/messages?limit=200`));
    if (read.status !== 200) return this.#wrong(`reading a session: ${read.status} ${read.text}`);
    const items = read.body.items as readonly {
      readonly id: string;
      readonly role: string;
      readonly turn_id: string;
    }[];
    const users = items.filter(({ role }) => role === 'user');
    for (const id of said) {
      const of = users.filter((message) => message.id === id);
      if (of.length === 0) this.tally.lost += 1;
      if (of.length > 1) this.tally.doubled += 1;
      const replies = items.filter(({ role, turn_id }) => role === 'assistant' && turn_id === of[0]?.turn_id);
      if (of.length === 1 && replies.length === 0) this.tally.lost += 1;
    }
  }

  /** Listens, goes away in the middle, and comes back with the last id it had. */
  async #streams(person: Person): Promise<void> {
    const to = 10 + Math.floor(this.#draw() * 40);
    const opened = await person.stream(`count to ${to}`);
    if (opened.status !== 200) {
      opened.leave();
      return;
    }
    let listener: Listener = opened;
    const events: ServerEvent[] = [];
    const { turn_id } = (await listener.named('turn_started')).data;
    for (;;) {
      const leaves = this.#draw() < 0.5;
      if (leaves) {
        await pause(this.#draw() * 100);
        listener.leave();
      } else await listener.all(PATIENCE_MS);
      events.push(...listener.events);
      if (events.some(({ event }) => event === 'done' || event === 'error')) break;
      const last = events.filter(({ id }) => id !== undefined).at(-1)?.id;
      do {
        listener = await person.listen(`/api/v1/turns/${turn_id}/stream`, last);
        if (listener.status >= 400) await pause(200);
      } while (listener.status >= 400 && !this.#over);
      this.tally.resumed += 1;
      // Nothing was left to tell: the last event had come.
      if (listener.status !== 200) break;
    }
    this.tally.streamed += 1;
    const ids = events.filter(({ id }) => id !== undefined).map(numberOf);
    if (new Set(ids).size !== ids.length) this.tally.doubled += 1;
    const done = events.find(({ event }) => event === 'done');
    if (done === undefined) this.#wrong(`a stream ended with ${JSON.stringify(events.at(-1))}`);
    else if (textOf(events) !== done.data.content) this.tally.lost += 1;
  }

  /** Says something on a platform, sometimes twice, and waits for the answer there. */
  async #onChannel(name: string): Promise<void> {
    const platform = this.#hooks[name];
    if (platform === undefined) return;
    const number = 1_000 + Math.floor(this.#draw() * 1_000_000);
    const one = request(`${name}-${crypto.randomUUID()}`, {
      ...{ type: 'message', conversation: `c-${number % 7}`, sender: { id: 'user-ada', name: 'Ada' } },
      direct: true,
      text: `what is ${number}+1?`,
    });
    const posts = this.#draw() < 0.2 ? 2 : 1;
    for (let sent = 0; sent < posts; sent += 1) {
      const until = performance.now() + PATIENCE_MS;
      for (;;) {
        const answer = await fetch(`http://127.0.0.1:${this.#gateway.port}/webhooks/${name}`, {
          ...{ method: 'POST', headers: one.headers, body: Buffer.from(one.body) },
        });
        await answer.text();
        if (answer.status === 200 || performance.now() > until) break;
        await pause(200);
      }
    }
    const heard = (): number =>
      platform.posted.filter(({ body }) => JSON.stringify(body).includes(`${number + 1}`)).length;
    const until = performance.now() + PATIENCE_MS;
    while (heard() === 0 && performance.now() < until) await pause(50);
    await pause(200);
    if (heard() === 0) {
      this.tally.lost += 1;
      this.#wrong(`${name}: no answer to ${number}`);
    }
    if (heard() > 1) this.tally.doubled += 1;
    this.tally.onChannels += 1;
    // What was looked at is not kept, and not looked through again.
    (platform.posted as unknown[]).length = 0;
  }

  async #search(person: Person): Promise<void> {
    const reply = await this.#sure(() => person.get('/api/v1/memory/search?q=what&limit=20'));
    if (reply.status !== 200) this.#wrong(`a search: ${reply.status} ${reply.text}`);
    this.tally.searches += 1;
  }

  async #look(): Promise<void> {
    const { owner } = this.#gateway;
    for (const path of ['/debug/actors?limit=50', '/debug/threads', '/debug/bus', '/api/v1/status']) {
      const reply = await this.#sure(() => owner.get(path));
      if (reply.status !== 200) this.#wrong(`${path}: ${reply.status} ${reply.text}`);
    }
    const watching = await owner.listen('/debug/actors/stream?kind=session');
    await this.#wait(500);
    watching.leave();
    this.tally.looks += 1;
  }
}
