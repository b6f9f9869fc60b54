// SPDX-License-Identifier: Apache-2.0
// One client: says one thing after the other, repeats under the same id what was not answered, and holds what it is told against itself.

import { type Sentence, sentence } from './sentences.ts';
import { TurnReader } from './turn-reader.ts';
import { type Answered, ask, follow, type Wire, type WireEvent } from './wire.ts';

export interface Said extends Sentence {
  readonly message_id: string;
  session_id: string;
  /** The turn it was told of; a message that was acknowledged never gets another one. */
  turn_id: string;
  reply_id: string;
  answer: string;
  finish: string;
  /** What its stream showed. */
  readonly reader: TurnReader;
  /** `poisoned`: cut through too often in a row, and its sender was told. `left`: its sender went away. */
  outcome: 'open' | 'answered' | 'poisoned' | 'left';
  /** The gateway said that it stops the turn. */
  cancelling: boolean;
}

export interface Round {
  readonly wire: Wire;
  readonly stopping: () => boolean;
  /** Waits until there is a gateway that listens. */
  readonly up: () => Promise<unknown>;
  /** Waits while nothing new is to be said. */
  readonly lull: () => Promise<void>;
  readonly problem: (text: string) => void;
  /** Requests made again, and streams taken up where they were cut. */
  readonly figures: { again: number; streams_resumed: number };
}

/** Between two attempts, in milliseconds. */
const PAUSE_MS = 20;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export class Talker {
  readonly said: Said[] = [];
  /** The session its messages go to; settled by its first answer. */
  readonly session: Promise<string>;
  readonly #settle: (session_id: string) => void;
  readonly #name: string;
  readonly #round: Round;
  readonly #random: () => number;
  /** The one whose session it shares. */
  readonly #friend: Talker | undefined;
  /** Another says something in its session, too. */
  #shared = false;

  constructor(name: string, round: Round, random: () => number, friend?: Talker) {
    this.#name = name;
    this.#round = round;
    this.#random = random;
    this.#friend = friend;
    this.#shared = friend !== undefined;
    if (friend !== undefined) friend.#shared = true;
    let settle: (session_id: string) => void = () => undefined;
    this.session = new Promise((resolve) => {
      settle = resolve;
    });
    this.#settle = settle;
  }

  /** Talks until the round is over. */
  async talk(): Promise<void> {
    let session = (await this.#friend?.session) ?? '';
    for (let at = 0; !this.#round.stopping(); at += 1) {
      await this.#round.lull();
      const drawn = sentence(this.#random, at);
      // The first message opens the session that the others go to.
      const manner = session === '' && drawn.manner === 'leave' ? 'whole' : drawn.manner;
      const said: Said = {
        ...drawn,
        manner,
        message_id: `${this.#name}-${at}`,
        session_id: manner === 'leave' ? '' : session,
        turn_id: '',
        reply_id: '',
        answer: '',
        finish: '',
        reader: new TurnReader(),
        outcome: 'open',
        cancelling: false,
      };
      this.said.push(said);
      await this.#say(said);
      if (session !== '' || said.session_id === '') continue;
      session = said.session_id;
      this.#settle(session);
    }
    this.#settle(session);
  }

  async #say(said: Said): Promise<void> {
    switch (said.manner) {
      case 'whole':
        return await this.#whole(said);
      case 'twice':
        await Promise.all([this.#whole(said), this.#whole(said)]);
        return;
      case 'conflict':
        await this.#whole(said);
        return await this.#conflict(said);
      case 'stream':
      case 'cancel':
      case 'leave':
        return await this.#stream(said);
      default:
        said.manner satisfies never;
    }
  }

  #body(said: Said): object {
    const { content, message_id, session_id } = said;
    return session_id === '' ? { content, message_id } : { content, message_id, session_id };
  }

  /** It was acknowledged as this turn. */
  #told(said: Said, turn_id: string): void {
    if (said.turn_id !== '' && said.turn_id !== turn_id)
      this.#round.problem(`${said.message_id} was acknowledged as turn ${said.turn_id} and as ${turn_id}`);
    said.turn_id = turn_id;
  }

  /** Whether what came back settles the matter; otherwise it is tried again. */
  #refused(said: Said, answered: Answered | null): boolean {
    if (answered === null) return false;
    const code = String(answered.body['code']);
    if (code === 'poisoned') {
      said.outcome = 'poisoned';
      return true;
    }
    const passing = answered.status === 503 || answered.status === 429;
    if (passing) return false;
    this.#round.problem(`${said.message_id}: ${answered.status} ${code} ${String(answered.body['detail'])}`);
    said.outcome = 'poisoned';
    return true;
  }

  async #again(): Promise<void> {
    this.#round.figures.again += 1;
    await pause(PAUSE_MS);
    await this.#round.up();
  }

  async #whole(said: Said): Promise<void> {
    for (;;) {
      const answered = await ask(this.#round.wire, { method: 'POST', path: '/api/v1/chat', body: this.#body(said) });
      if (answered?.status === 200) return this.#answered(said, answered.body);
      if (this.#refused(said, answered)) return;
      await this.#again();
    }
  }

  #answered(said: Said, body: Answered['body']): void {
    const { session_id, turn_id, reply_id, content, finish_reason } = body as Record<string, string>;
    const equal = said.reply_id === reply_id && said.answer === content;
    if (said.outcome === 'answered' && !equal)
      this.#round.problem(`${said.message_id} was answered ${said.reply_id} and ${reply_id}`);
    this.#told(said, turn_id ?? '');
    this.#close(said, session_id ?? '', reply_id ?? '', content ?? '', finish_reason ?? '');
  }

  #close(said: Said, session_id: string, reply_id: string, answer: string, finish: string): void {
    Object.assign(said, { session_id, reply_id, answer, finish, outcome: 'answered' });
    // What several say is answered together in some lives, and not always each in turn.
    if (finish !== 'cancelled' && !this.#shared && !answer.includes(said.has))
      this.#round.problem(`${said.message_id}: "${said.content}" was answered "${answer}"`);
    if (said.cancelling && finish !== 'cancelled')
      this.#round.problem(`${said.message_id} was being cancelled and ended with ${finish}`);
  }

  async #conflict(said: Said): Promise<void> {
    if (said.outcome !== 'answered') return;
    const body = { ...this.#body(said), content: `${said.content} or not` };
    for (;;) {
      const answered = await ask(this.#round.wire, { method: 'POST', path: '/api/v1/chat', body });
      if (answered?.status === 409) return;
      if (answered !== null && answered.status !== 503)
        return this.#round.problem(`${said.message_id}: another body under its id was answered ${answered.status}`);
      await this.#again();
    }
  }

  /** Follows its turn to the end, over any number of connections. */
  async #stream(said: Said): Promise<void> {
    const { reader } = said;
    let cancelling: Promise<void> | undefined;
    const heard = (event: WireEvent): boolean => {
      reader.take(event);
      if (reader.turn_id !== '') this.#told(said, reader.turn_id);
      if (said.session_id === '' && event.event === 'turn_started')
        said.session_id = String((JSON.parse(event.data) as Record<string, unknown>)['session_id']);
      if (said.manner === 'cancel' && reader.seen.size >= said.after) cancelling ??= this.#cancel(said);
      return true;
    };
    for (;;) {
      const known = reader.turn_id !== '';
      const begun = (): void => {
        if (known) this.#round.figures.streams_resumed += 1;
        else if (said.manner === 'leave') said.outcome = 'left';
      };
      const streamed = known
        ? await follow(
            this.#round.wire,
            {
              method: 'GET',
              path: `/api/v1/turns/${reader.turn_id}/stream`,
              headers: { 'last-event-id': reader.lastEventId },
            },
            begun,
            heard,
          )
        : await follow(
            this.#round.wire,
            { method: 'POST', path: '/api/v1/chat/stream', body: this.#body(said) },
            begun,
            said.manner === 'leave' ? () => false : heard,
          );
      if (said.outcome === 'left') return;
      if (reader.over) break;
      if (typeof streamed === 'object' && this.#refused(said, streamed)) return;
      await this.#again();
    }
    await cancelling;
    for (const problem of reader.problems) this.#round.problem(`${said.message_id}: ${problem}`);
    if (reader.done !== null)
      this.#close(said, said.session_id, reader.done.reply_id, reader.done.content, reader.done.finish_reason);
    else if (reader.error === 'poisoned') said.outcome = 'poisoned';
    else this.#round.problem(`${said.message_id} ended with ${reader.error}`);
  }

  async #cancel(said: Said): Promise<void> {
    for (;;) {
      const answered = await ask(this.#round.wire, {
        method: 'POST',
        path: `/api/v1/turns/${said.reader.turn_id}/cancel`,
        body: {},
      });
      if (answered?.status === 200) {
        said.cancelling = answered.body['status'] === 'cancelling';
        return;
      }
      if (answered !== null && answered.status !== 503)
        return this.#round.problem(`${said.message_id} could not be cancelled: ${answered.status}`);
      await this.#again();
    }
  }
}
