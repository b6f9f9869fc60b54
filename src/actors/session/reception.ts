// SPDX-License-Identifier: Apache-2.0
// Takes a session's messages in: refused, known already, or journaled and then answered. Each message once, each sender told.

import type { Envelope } from '../../bus/envelope.ts';
import { type Failure, failure } from '../../errors.ts';
import type { SessionState } from '../../stores/fold.ts';
import type { LaneEffects } from './effects.ts';
import { Few } from './few.ts';
import type { LanePolicy } from './policy.ts';
import type { Deliver, Delivered } from './protocol.ts';
import { goingSession, unknownSession } from './refused.ts';

/** Whose messages they are. */
export interface MessageOwner {
  readonly session_id: string;
  readonly effects: LaneEffects;
  readonly policy: LanePolicy;
  /** With everything handed to the journal. */
  readonly state: SessionState;
  /** The session is about to go. */
  readonly going: boolean;
  readonly stopped: boolean;
  newTurn(): string;
  /** Journals a message as a turn's; `received` runs once that is durable, before anything comes of it. */
  take(message: Deliver, turn_id: string, digest: string, received: () => void): void;
  /** What its sender is told: where its turn stands by what is durable. */
  delivered(message_id: string, turn_id: string, repeated: boolean): Delivered;
  /** It has something to do. */
  stir(): void;
  /** It may have nothing to do any more. */
  written(): void;
}

export class Reception {
  private readonly owner: MessageOwner;
  /** Receipts on their way to the journal, by key, with everyone who waits for them. */
  private readonly receipts = new Few<Envelope[]>();

  constructor(owner: MessageOwner) {
    this.owner = owner;
  }

  /** Nobody waits for a receipt. */
  get idle(): boolean {
    return this.receipts.size === 0;
  }

  deliver(envelope: Envelope): void {
    const { owner } = this;
    const { effects, state } = owner;
    const message = envelope.body as Deliver;
    const refused = this.refusal(message);
    if (refused !== null) return effects.fail(envelope, refused);
    const digest = this.digest(message);
    const known = state.keys.get(message.message_id);
    if (known !== undefined) return this.repeat(envelope, message, known.digest === digest, known.turn_id);
    const asked = this.receipts.get(message.message_id);
    if (asked !== undefined) return void asked.push(envelope);
    if (state.facts !== null && state.keys_forgotten) return this.askOldKey(envelope, message);
    this.receive(envelope, message, digest);
  }

  /** Whether this message waits for its receipt. */
  owes(envelope: Envelope): boolean {
    return this.receipts.values().some((waiting) => waiting.includes(envelope));
  }

  /** Lets go of everyone who waits, for somebody else to tell. */
  dismiss(): readonly Envelope[] {
    const waiting = [...this.receipts.values().flat()];
    this.receipts.clear();
    return waiting;
  }

  /** What a message is known by besides its key. */
  digest({ model, content }: Pick<Deliver, 'model' | 'content'>): string {
    return this.owner.effects.digest(`${model}\n${content}`);
  }

  private refusal(message: Deliver): Failure | null {
    const { facts } = this.owner.state;
    if (this.owner.going) return goingSession();
    if (facts === null) {
      if (!message.open) return unknownSession(this.owner.session_id);
      return this.owner.effects.refused(message.user_id, message.workspace_id, message.any_workspace === true);
    }
    if (facts.user_id !== message.user_id && !message.any_user)
      return failure('forbidden', 'The session belongs to somebody else.');
    if (message.workspace_id !== '' && message.workspace_id !== facts.workspace_id) {
      return failure(
        'conflict',
        `The session belongs to workspace ${facts.workspace_id}, not to ${message.workspace_id}.`,
      );
    }
    if (facts.status === 'archived') return failure('conflict', 'The session is archived; it takes no more messages.');
    const anywhere = message.any_user || message.any_workspace === true;
    return this.owner.effects.refused(message.user_id, facts.workspace_id, anywhere);
  }

  private receive(envelope: Envelope, message: Deliver, digest: string): void {
    const { owner } = this;
    const { effects, policy } = owner;
    const { facts, waiting, waiting_size } = owner.state;
    if (waiting.length >= policy.waiting_most || waiting_size + message.content.length > policy.waiting_size) {
      return effects.fail(
        envelope,
        failure(
          'overloaded',
          `${waiting.length} messages wait in this session already; try again when some are answered.`,
        ),
      );
    }
    const workspace_id = facts?.workspace_id ?? message.workspace_id;
    const model = policy.route({ requested: message.model, session: facts?.model ?? '', workspace_id });
    if (typeof model !== 'string') return effects.fail(envelope, model);
    effects.point('receive.before_journal');
    this.receipts.set(message.message_id, [envelope]);
    const turn_id = owner.newTurn();
    owner.take(message, turn_id, digest, () => {
      effects.point('receive.journaled');
      const [first, ...others] = this.receipts.get(message.message_id) ?? [];
      this.receipts.delete(message.message_id);
      if (first !== undefined) effects.reply(first, owner.delivered(message.message_id, turn_id, false));
      for (const other of others) this.deliver(other);
    });
  }

  private repeat(envelope: Envelope, message: Deliver, same: boolean, turn_id: string): void {
    const { effects } = this.owner;
    if (!same) {
      return effects.fail(
        envelope,
        failure('conflict', `Another message was sent under the id ${message.message_id}; use a new one.`),
      );
    }
    const receipt = this.receipts.get(message.message_id);
    if (receipt !== undefined) receipt.push(envelope);
    else effects.reply(envelope, this.owner.delivered(message.message_id, turn_id, true));
  }

  /** The key may be older than what the lane remembers: the view knows every message there ever was. */
  private askOldKey(envelope: Envelope, message: Deliver): void {
    const { owner } = this;
    const { message_id } = message;
    owner.stir();
    this.receipts.set(message_id, []);
    owner.effects.oldKey(owner.session_id, message_id, (answer) => {
      if (owner.stopped) return;
      const others = this.receipts.get(message_id) ?? [];
      this.receipts.delete(message_id);
      if (!answer.ok) owner.effects.fail(envelope, answer.error);
      else if (owner.going) owner.effects.fail(envelope, goingSession());
      else if (answer.body.turn_id === null) this.receive(envelope, message, this.digest(message));
      else this.repeat(envelope, message, answer.body.content === message.content, answer.body.turn_id);
      for (const other of others) this.deliver(other);
      owner.written();
    });
  }
}
