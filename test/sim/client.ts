// SPDX-License-Identifier: Apache-2.0
// A client outside: sends its message until it is answered, always under the same id, over refusals, crashes and restarts.

import type { Delivered } from '../../src/actors/session/protocol.ts';
import { TURNS_TOPIC } from '../../src/actors/session/protocol.ts';
import { address } from '../../src/bus/address.ts';
import { topic } from '../../src/bus/envelope.ts';
import { ask, Patience, passing } from '../../src/edge/ask.ts';
import type { EdgePorts } from '../../src/edge/ports.ts';
import { deliver, turnEnd } from '../../src/edge/receive.ts';
import { TurnFollower } from '../../src/edge/turn-follower.ts';
import { toFailure } from '../../src/errors.ts';
import type { MessageRow, Page, ReadQueries, ReadQuery, TurnRow } from '../../src/stores/session-store.ts';
import type { TurnEventBatch } from '../../src/stores/turn-events.ts';
import type { Chance } from './chance.ts';
import { contentOf } from './contents.ts';
import type { Gateway } from './gateway.ts';
import { Listener } from './listener.ts';
import type { Machine } from './machine.ts';
import type { PlannedMessage } from './plan.ts';
import { messageId } from './rules.ts';

/** The next try, in milliseconds. */
const AGAIN_MS = { from: 20, to: 400 } as const;
const CANCEL_MS = 30_000;
const HTTP = address('channel', 'http');

export interface ClientHouse {
  readonly machine: Machine;
  /** The process there is now. */
  gateway(): Gateway | null;
  /** The id of a session, once its first message has opened it. */
  session(of: number): string | undefined;
  opened(of: number, session_id: string): void;
}

/** One message and what its client does about it. */
export class Client {
  readonly message: PlannedMessage;
  readonly message_id: string;
  receipt: Delivered | undefined;
  listener: Listener | undefined;
  answer: TurnRow | undefined;
  cancelling: 'asked' | 'told' | null = null;
  private readonly house: ClientHouse;
  private readonly chance: Chance;
  private readonly opens: boolean;
  /** Counts connections: what an earlier one brings is not heard. */
  private connection = 0;
  private left = false;
  /** What the edge does when this connection closes. */
  private hangUp: () => void = () => undefined;

  constructor(message: PlannedMessage, opens: boolean, house: ClientHouse) {
    this.message = message;
    this.message_id = messageId(message);
    this.opens = opens;
    this.house = house;
    this.chance = house.machine.chance.fork(this.message_id);
    this.later(message.at, () => this.connect());
    for (let more = 0; more < message.again; more += 1) {
      this.later(message.at + this.chance.between(0, 30), () => this.aside());
    }
    if (message.late !== undefined) this.later(message.at + message.late, () => this.aside());
  }

  /** It has what it waits for. */
  get settled(): boolean {
    if (this.receipt === undefined || this.cancelling === 'asked') return false;
    if (this.message.mode === 'whole') return this.answer !== undefined;
    return this.message.mode === 'send' || this.listener?.ended === true;
  }

  /** Its connection is cut: the process has ended, or it has gone away itself. */
  cut(): void {
    this.connection += 1;
    this.hangUp();
    this.hangUp = () => undefined;
    if (!this.settled) this.again();
  }

  private later(ms: number, run: () => void): void {
    this.house.machine.clock.schedule(null, ms, this.message_id, run);
  }

  private again(): void {
    const mine = this.connection;
    this.later(this.chance.between(AGAIN_MS.from, AGAIN_MS.to), () => {
      if (this.connection === mine && !this.settled) this.connect();
    });
  }

  /** Runs a request in the process there is; what it throws ends the connection. */
  private request(
    work: (edge: EdgePorts, open: () => boolean) => Promise<void>,
    failed: (thrown: unknown) => void,
  ): void {
    const gateway = this.house.gateway();
    const { clock } = this.house.machine;
    if (gateway === null || gateway.edge === null) return failed(undefined);
    const { edge, main } = gateway;
    const mine = this.connection;
    const open = (): boolean => this.connection === mine && !main.dead;
    clock.schedule(main, this.house.machine.delay(), `request ${this.message_id}`, () => {
      work(edge, open).catch((thrown: unknown) => {
        if (open()) failed(thrown);
      });
    });
  }

  private connect(): void {
    this.connection += 1;
    this.hangUp();
    this.hangUp = () => undefined;
    if (!this.opens && this.house.session(this.message.session) === undefined) return this.again();
    this.request(
      (edge, open) => this.talk(edge, open),
      (thrown) => this.refused(thrown),
    );
    const { leaves } = this.message;
    if (leaves === null || this.left) return;
    this.left = true;
    const mine = this.connection;
    this.later(leaves, () => {
      if (this.connection === mine && !this.settled) this.cut();
    });
  }

  /** The same message again, on another connection. */
  private aside(): void {
    if (!this.opens && this.house.session(this.message.session) === undefined) return;
    this.request(
      async (edge) => {
        await this.deliver(edge, 'aside');
      },
      (thrown) => this.judge(thrown),
    );
  }

  private refused(thrown: unknown): void {
    this.judge(thrown);
    this.again();
  }

  /** What a client may be told that asks for nothing wrong: to try again. */
  private judge(thrown: unknown): void {
    if (thrown === undefined) return;
    const { code, message, retryable } = toFailure(thrown);
    if (!retryable) this.house.machine.rules.broke('refused', `${this.message_id}: ${code}: ${message}`);
  }

  private async talk(edge: EdgePorts, open: () => boolean): Promise<void> {
    const { mode } = this.message;
    const delivered = await this.deliver(edge, 'own');
    if (!open()) return;
    if (this.receipt === undefined) this.received(delivered);
    if (mode === 'whole') return this.wait(edge, delivered, open);
    if (mode === 'stream') return this.follow(edge, delivered, open);
    return this.look(edge, delivered);
  }

  private async deliver(edge: EdgePorts, trace: string): Promise<Delivered> {
    const { key, user, session } = this.message;
    const delivered = await deliver(
      edge,
      HTTP,
      {
        sender: { user_id: `user-${user}`, permissions: [] },
        message_id: this.message_id,
        content: contentOf(key),
        workspace_id: '',
        session_id: this.opens ? '' : (this.house.session(session) ?? ''),
        model: '',
        ...(this.message.queue === undefined ? {} : { queue: this.message.queue }),
        share: `user-${user}`,
      },
      trace,
    );
    this.house.machine.rules.acknowledge(delivered);
    return delivered;
  }

  private received(delivered: Delivered): void {
    this.receipt = delivered;
    this.house.opened(this.message.session, delivered.session_id);
    const { cancel } = this.message;
    if (cancel === null) return;
    this.cancelling = 'asked';
    this.later(cancel, () => this.cancel(delivered));
  }

  private cancel(delivered: Delivered): void {
    if (this.cancelling !== 'asked') return;
    const { session_id, turn_id } = delivered;
    const again = (thrown: unknown): void => {
      this.judge(thrown);
      this.later(this.chance.between(AGAIN_MS.from, AGAIN_MS.to), () => this.cancel(delivered));
    };
    const gateway = this.house.gateway();
    if (gateway?.edge == null) return again(undefined);
    const { main, edge } = gateway;
    const { clock, rules } = this.house.machine;
    clock.schedule(main, this.house.machine.delay(), `cancel ${this.message_id}`, () => {
      const body = { turn_id, by: `user-${this.message.user}` };
      ask(edge.bus, address('session', session_id), 'session.cancel', body, CANCEL_MS).then(
        ({ status }) => {
          this.cancelling = 'told';
          const turn = rules.journal.answering(turn_id);
          if (status === 'ended' ? turn?.ended == null : turn?.cancelled !== true) {
            rules.broke('cancel', `turn ${turn_id} is said to be ${status}, and is not in the journal`);
          }
        },
        (thrown: unknown) => again(thrown),
      );
    });
    main.atEnd(() => {
      if (this.cancelling === 'asked')
        this.later(this.chance.between(AGAIN_MS.from, AGAIN_MS.to), () => this.cancel(delivered));
    });
  }

  /** As `POST /chat` does: the end of the turn, then its record. */
  private async wait(edge: EdgePorts, delivered: Delivered, open: () => boolean): Promise<void> {
    const { rules } = this.house.machine;
    const waiting = turnEnd(edge, delivered);
    this.hangUp = waiting.giveUp;
    const seq = await waiting.seq;
    if (seq === undefined || !open()) return;
    const row = await read(edge, 'turn.get', { turn_id: delivered.turn_id }, seq);
    if (!open()) return;
    const turn = rules.journal.answering(delivered.turn_id);
    if (row.status !== turn?.ended)
      rules.broke('views', `turn ${row.id} is ${row.status}, in the journal ${turn?.ended}`);
    if (row.content !== (turn?.ended === 'finished' ? turn.text : '')) {
      rules.broke('views', `turn ${row.id} says something else than the journal`);
    }
    this.answer = row;
  }

  /** As `POST /chat/stream` does; after a cut as `GET /turns/ID/stream` from the last event on. */
  private async follow(edge: EdgePorts, delivered: Delivered, open: () => boolean): Promise<void> {
    const { rules } = this.house.machine;
    const { turn_id, session_id, seq } = delivered;
    this.listener ??= new Listener(
      turn_id,
      (rule, text) => rules.broke(rule, text),
      (asked) => rules.journal.answering(asked)?.turn_id,
    );
    const { listener } = this;
    await new Promise<void>((resolve, reject) => {
      let stop = (): void => undefined;
      const sink = listener.sink(open, (thrown) => {
        stop();
        if (thrown === undefined) resolve();
        else reject(thrown);
      });
      const follower = new TurnFollower(edge, { session_id, turn_id, seq }, sink, listener.last);
      const unsubscribe = edge.bus.subscribe(
        topic<TurnEventBatch>(address('session', session_id), TURNS_TOPIC),
        {
          events: (batches) => follower.feedBatches(batches),
          lost: () => follower.catchUp(),
        },
        { lossless: true },
      );
      stop = () => {
        unsubscribe();
        follower.stop();
      };
      this.hangUp = stop;
      follower.catchUp();
    });
  }

  /** What is acknowledged is seen by every read that begins after it. */
  private async look(edge: EdgePorts, delivered: Delivered): Promise<void> {
    const { session_id, message_id, seq } = delivered;
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Page<MessageRow> = await read(
        edge,
        'session.messages',
        { session_id, page: { limit: 200, ...(cursor === '' ? {} : { cursor }) } },
        seq,
      );
      if (page.items.some(({ id }) => id === message_id)) return;
      cursor = page.next_cursor;
    }
    this.house.machine.rules.broke('views', `message ${message_id} is acknowledged and not read`);
  }
}

/** Reads as the edge does: again while the views are behind. */
export async function read<Q extends ReadQuery>(
  edge: EdgePorts,
  query: Q,
  body: ReadQueries[Q]['body'],
  after: number | 'latest',
): Promise<ReadQueries[Q]['reply']> {
  const patience = new Patience(edge.world);
  for (;;) {
    try {
      return await edge.store.read(query, body, { after });
    } catch (thrown) {
      await patience.after(thrown, passing);
    }
  }
}
