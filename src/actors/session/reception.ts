// SPDX-License-Identifier: Apache-2.0
// Takes a session's messages in: refused, known already, or journaled and then answered. Each message once, each sender told.

import type { Envelope } from '../../bus/envelope.ts';
import { type Failure, failure } from '../../errors.ts';
import { blockedText } from '../../security/scanner/told.ts';
import { type KnownKey, type SessionState, waitingSize } from '../../stores/session-state.ts';
import type { Scanned } from './decide.ts';
import type { LaneEffects, OldMessage } from './effects.ts';
import { Few } from './few.ts';
import { type Judged, scanMessage } from './message-scan.ts';
import type { LanePolicy } from './policy.ts';
import type { Deliver, Delivered } from './protocol.ts';
import { goingSession, unknownSession } from './refused.ts';

/** Whose messages they are. */
export interface MessageOwner {
  readonly session_id: string;
  /** Its last row that is durable. */
  readonly seq: number;
  readonly effects: LaneEffects;
  readonly policy: LanePolicy;
  /** With everything handed to the journal. */
  readonly state: SessionState;
  /** The session is about to go. */
  readonly going: boolean;
  readonly stopped: boolean;
  newTurn(): string;
  /**
   * Reserves for the turn a message would begin, so that its first call becomes durable together with it. `done` is called once: before
   * this returns when nothing is to be reserved.
   */
  reserveFirst(message: Scanned, turn_id: string, digest: string, done: () => void): void;
  /** The message is not taken after all. */
  giveBackFirst(): void;
  /** Journals a message as a turn's; `received` runs once that is durable, before anything comes of it. */
  take(message: Scanned, turn_id: string, digest: string, received: () => void): void;
  /** Journals that a message was refused; `blocked` runs once that is durable. */
  block(message: Deliver, digest: string, rules: readonly string[], blocked: () => void): void;
  /** What its sender is told: where its turn stands by what is durable. */
  delivered(message_id: string, turn_id: string, repeated: boolean): Delivered;
  /** It has something to do. */
  stir(): void;
  /** It may have nothing to do any more. */
  written(): void;
}

/**
 * Answers a session owes a channel, beyond which it takes no more messages from there: turns may be made faster than a channel
 * takes what they come to, and what is owed is held in memory.
 */
const UNSAID_MOST = 16;

export class Reception {
  private readonly owner: MessageOwner;
  /** Receipts on their way to the journal, by key, with everyone who waits for them. */
  private readonly receipts = new Few<Envelope[]>();
  /** Those who came while a message is looked up, scanned elsewhere or reserved for, in their order; null while none is. */
  private behind: Envelope[] | null = null;

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
    if (known !== undefined)
      return this.repeat(envelope, message, known.digest === digest || isFetchedAnew(message), known);
    const asked = this.receipts.get(message.message_id);
    if (asked !== undefined) return void asked.push(envelope);
    if (this.behind !== null) return this.queue(envelope, this.behind);
    if (state.facts !== null && state.keys_forgotten) return this.askOldKey(envelope, message);
    this.receive(envelope, message, digest);
  }

  /** Whether this message waits for its receipt. */
  owes(envelope: Envelope): boolean {
    return (
      this.behind?.includes(envelope) === true || this.receipts.values().some((waiting) => waiting.includes(envelope))
    );
  }

  /** Lets go of everyone who waits, for somebody else to tell. */
  dismiss(): readonly Envelope[] {
    const waiting = [...this.receipts.values().flat(), ...(this.behind ?? [])];
    this.receipts.clear();
    this.behind = null;
    return waiting;
  }

  /** What a message is known by besides its key. */
  digest({ model, content, attachments }: Pick<Deliver, 'model' | 'content' | 'attachments'>): string {
    const files = attachments?.map((one) => ('id' in one ? one.id : one.name)).join() ?? '';
    return this.owner.effects.digest(files === '' ? `${model}\n${content}` : `${model}\n${content}\n${files}`);
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

  /** Waits behind a message that is being taken in; as many as may wait for their turn. */
  private queue(envelope: Envelope, behind: Envelope[]): void {
    const { effects, policy, state } = this.owner;
    const size = [...behind, envelope].reduce((sum, { body }) => sum + waitingSize(body as Deliver), 0);
    const fits = behind.length < policy.waiting_most - state.waiting.length;
    if (fits && state.waiting_size + size <= policy.waiting_size) return void behind.push(envelope);
    effects.fail(
      envelope,
      failure('overloaded', `${behind.length} messages wait behind one that is being taken in; try again.`),
    );
  }

  private receive(envelope: Envelope, message: Deliver, digest: string): void {
    const { owner } = this;
    const { effects, policy } = owner;
    const { facts, waiting, waiting_size, outbox } = owner.state;
    if (message.reply_to !== undefined && outbox.length >= UNSAID_MOST) {
      const unsaid = outbox.filter(({ channel }) => channel === message.channel).length;
      if (unsaid >= UNSAID_MOST)
        return effects.fail(
          envelope,
          failure('overloaded', `${message.channel} has ${unsaid} answers of this session to take first.`),
        );
    }
    if (waiting.length >= policy.waiting_most || waiting_size + waitingSize(message) > policy.waiting_size) {
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
    this.receipts.set(message.message_id, [envelope]);
    this.scan(message, digest);
  }

  /**
   * A message goes past the scanner and the budgets its first call could reach: a short one that could reach none at once, another
   * while those that come after it wait for their turn.
   */
  private scan(message: Deliver, digest: string): void {
    const { owner } = this;
    const turn_id = owner.newTurn();
    let returned = false;
    this.judge(message, turn_id, digest, (verdict) => {
      const waits = returned;
      returned = true;
      if (!waits) return this.judged(message, turn_id, digest, verdict);
      if (owner.stopped || this.receipts.get(message.message_id) === undefined) return owner.giveBackFirst();
      this.goOn(() => {
        const refused = this.refusal(message);
        if (refused === null) return this.judged(message, turn_id, digest, verdict);
        owner.giveBackFirst();
        this.tell(message, (to) => owner.effects.fail(to, refused));
      });
    });
    if (returned) return;
    returned = true;
    this.hold();
  }

  /** Whoever comes from now on waits behind the message that is being taken in. */
  private hold(): void {
    this.behind = [];
    this.owner.stir();
  }

  /** Goes on with the message that others wait behind, and then with those, who may have to wait for it still. */
  private goOn(taken: () => void): void {
    const behind = this.behind ?? [];
    this.behind = null;
    taken();
    for (const other of behind) this.deliver(other);
    this.owner.written();
  }

  private judge(message: Deliver, turn_id: string, digest: string, done: (verdict: Judged) => void): void {
    const { owner } = this;
    scanMessage(message, owner.effects.scan, (verdict) => {
      if (verdict.kind !== 'taken' || owner.stopped) return done(verdict);
      owner.reserveFirst(verdict.message, turn_id, digest, () => done(verdict));
    });
  }

  private judged(message: Deliver, turn_id: string, digest: string, verdict: Judged): void {
    const { owner } = this;
    const { effects } = owner;
    if (verdict.kind === 'failed') return this.tell(message, (to) => effects.fail(to, verdict.error));
    effects.point('receive.before_journal');
    if (verdict.kind === 'block') {
      const { rules } = verdict;
      return owner.block(message, digest, rules, () => this.tell(message, (to) => effects.fail(to, blocked(rules))));
    }
    const { message: taken } = verdict;
    owner.take(taken, turn_id, digest, () => {
      effects.point('receive.journaled');
      this.tell(message, (to) => effects.reply(to, owner.delivered(message.message_id, turn_id, false)));
    });
  }

  /** Answers whoever sent a message first; those who sent it again meanwhile are told as of a repetition. */
  private tell({ message_id }: Deliver, answer: (to: Envelope) => void): void {
    const [first, ...others] = this.receipts.get(message_id) ?? [];
    this.receipts.delete(message_id);
    if (first !== undefined) answer(first);
    for (const other of others) this.deliver(other);
  }

  private repeat(envelope: Envelope, message: Deliver, same: boolean, { turn_id, blocked: rules }: Kept): void {
    const { effects } = this.owner;
    if (!same) {
      return effects.fail(
        envelope,
        failure('conflict', `Another message was sent under the id ${message.message_id}; use a new one.`),
      );
    }
    const receipt = this.receipts.get(message.message_id);
    if (receipt !== undefined) receipt.push(envelope);
    else if (rules !== undefined) effects.fail(envelope, blocked(rules));
    else effects.reply(envelope, this.owner.delivered(message.message_id, turn_id, true));
  }

  /**
   * The key may be older than what the lane remembers: the view knows every message there ever was. Who comes meanwhile waits
   * behind it, for the session is asked for its messages in their order, and takes in one at a time.
   */
  private askOldKey(envelope: Envelope, message: Deliver): void {
    const { owner } = this;
    const { message_id } = message;
    this.receipts.set(message_id, [envelope]);
    this.hold();
    owner.effects.oldKey(owner.session_id, message_id, owner.seq, (answer) => {
      const repeated = this.lookedUp(message_id);
      if (repeated === undefined) return;
      this.goOn(() => {
        if (answer.ok) this.receiveUnlessOld(envelope, message, answer.body);
        else owner.effects.fail(envelope, answer.error);
        for (const other of repeated) this.deliver(other);
      });
    });
  }

  private receiveUnlessOld(envelope: Envelope, message: Deliver, { turn_id, content }: OldMessage): void {
    const refused = this.refusal(message);
    if (refused !== null) this.owner.effects.fail(envelope, refused);
    else if (turn_id === null) this.receive(envelope, message, this.digest(message));
    else this.repeatOld(envelope, message, content, turn_id);
  }

  /** What is kept of an old message is what the scanner left of it. */
  private repeatOld(envelope: Envelope, message: Deliver, kept: string, turn_id: string): void {
    if (kept === message.content) return this.repeat(envelope, message, true, { turn_id });
    const { owner } = this;
    this.receipts.set(message.message_id, [envelope]);
    owner.effects.scan(message.content, (verdict) => {
      const repeated = this.lookedUp(message.message_id);
      if (repeated === undefined) return;
      this.repeat(envelope, message, verdict.kind === 'redact' && verdict.text === kept, { turn_id });
      for (const other of repeated) this.deliver(other);
      owner.written();
    });
  }

  /** Who sent a message again while it was looked at; undefined when all of them have been told otherwise. */
  private lookedUp(message_id: string): readonly Envelope[] | undefined {
    const waiting = this.receipts.get(message_id);
    if (this.owner.stopped || waiting === undefined) return undefined;
    this.receipts.delete(message_id);
    return waiting.slice(1);
  }
}

/** A platform's message with files is the same under its key whatever they come to now: one may not be there any more. */
function isFetchedAnew({ reply_to, attachments }: Deliver): boolean {
  return reply_to !== undefined && attachments !== undefined;
}

/** What is known of a message that is sent again. */
type Kept = Pick<KnownKey, 'turn_id' | 'blocked'>;

/** Why a message is not taken. */
function blocked(rules: readonly string[]): Failure {
  return failure('input_blocked', blockedText(rules), { rules });
}
