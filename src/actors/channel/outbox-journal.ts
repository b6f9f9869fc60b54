// SPDX-License-Identifier: Apache-2.0
// A chat channel's stream: what it is to say is durable there before it is taken on, before it is sent and after.

import type { Failure } from '../../errors.ts';
import {
  CHANNEL_OWING,
  type ChannelFold,
  channelCheckpointEvery,
  emptyChannel,
  evolveChannel,
  ofErased,
  packChannel,
} from '../../stores/channel-fold.ts';
import { type ChannelRecord, restoreChannel, storeChannel } from '../../stores/channel-records.ts';
import { type Outcome, StreamOwner } from '../../stores/stream-owner.ts';
import type { DeadLetter, Say } from './chat-protocol.ts';
import type { OutboxPorts } from './outbox-ports.ts';
import { type Reply, restored } from './reply-queue.ts';

/** What was written is durable up to `seq`. */
type Written<T> = (outcome: Outcome<T>, seq: number) => void;

/** Pause before the journal is asked again to keep what became of something, in milliseconds. */
export const AGAIN_MS = 1_000;

export class OutboxJournal {
  readonly #iso: (at: number) => string;
  readonly #rested: () => void;
  readonly #after: OutboxPorts['world']['after'];
  readonly #owner: StreamOwner<ChannelFold, ChannelRecord>;
  #stopped = false;

  /**
   * @param name of the channel
   * @param rested called whenever the last of what was asked of it has been answered
   */
  constructor(
    name: string,
    { append, tail, world }: Pick<OutboxPorts, 'append' | 'tail' | 'world'>,
    rested: () => void,
  ) {
    this.#iso = (at) => world.iso(at);
    this.#rested = rested;
    this.#after = world.after;
    this.#owner = new StreamOwner<ChannelFold, ChannelRecord>({
      stream: `channel/${name}`,
      workspace_id: '',
      initial: emptyChannel(),
      fresh: emptyChannel,
      evolve: evolveChannel,
      checkpoint: (state, owed) => ({ type: 'checkpoint', state: packChannel(state, owed) }),
      checkpointEvery: channelCheckpointEvery,
      owing: CHANNEL_OWING,
      store: storeChannel,
      restore: restoreChannel,
      append,
      tail,
      now: () => world.now(),
      after: (ms, run) => world.after(ms, run),
    });
  }

  /** Nothing is on its way. */
  get idle(): boolean {
    return this.#owner.idle;
  }

  /** Dead letters there ever were, as far as that is known. */
  get deadCount(): number {
    return this.#owner.state?.dead_count ?? 0;
  }

  /** What an earlier life of the channel has left. */
  open(answered: Written<readonly Reply[]>): void {
    this.#write(({ open }) => ({ records: [], body: [...open.values()].map(restored) }), answered);
  }

  /** Takes on something to say; told when it was, or null where it was before. */
  queue(say: Say, answered: Written<number | null>): void {
    this.#write<number | null>(
      ({ keys }, at) =>
        keys.has(say.key) ? { records: [], body: null } : { records: [{ type: 'reply_queued', ...say }], body: at },
      answered,
    );
  }

  /** Whether something was taken on under this key. */
  knows(key: string, answered: Written<boolean>): void {
    this.#write(({ keys }) => ({ records: [], body: keys.has(key) }), answered);
  }

  /** Writes what became of a reply. */
  note(reply: Reply, records: readonly ChannelRecord[], noted: (error: Failure | null) => void): void {
    this.#write<null>(
      // It may have been erased meanwhile.
      ({ open }) => ({ records: open.has(reply.key) || !reply.journaled ? records : [], body: null }),
      (outcome) => noted(outcome.ok ? null : outcome.error),
    );
  }

  /**
   * The same as often as it takes: another life is to be in doubt of a reply's last message alone. Told once it is written, unless
   * this life is over by then.
   */
  noteSurely(reply: Reply, records: readonly ChannelRecord[], noted: () => void): void {
    this.note(reply, records, (error) => {
      if (this.#stopped) return;
      if (error === null) noted();
      else this.#after(AGAIN_MS, () => this.#stopped || this.noteSurely(reply, records, noted));
    });
  }

  /** The newest dead letters, newest first. */
  dead(answered: Written<readonly DeadLetter[]>): void {
    this.#write(
      ({ dead }) => ({
        records: [],
        body: dead.toReversed().map(({ to, at, failed_at, ...one }) => ({
          ...{ key: one.key, kind: one.kind, session_id: one.session_id, user_id: one.user_id },
          ...{ channel_id: to.channel_id, queued_at: this.#iso(at), failed_at: this.#iso(failed_at) },
          ...{ code: one.code, message: one.message, outcome_unknown: one.outcome_unknown },
        })),
      }),
      answered,
    );
  }

  /** What was said in a session, or to somebody, is over and forgotten. */
  erase(erased: { readonly session_id: string; readonly user_id: string }, answered: Written<null>): void {
    const theirs = ofErased(erased);
    this.#write<null>(({ open }) => {
      const over = [...open.values()].filter(theirs).map(({ key }) => ({ type: 'reply_over', key, parts: 0 }) as const);
      return { records: [...over, { type: 'replies_erased', ...erased }], body: null };
    }, answered);
  }

  stop(): void {
    this.#stopped = true;
    this.#owner.stop();
  }

  #write<T>(
    decide: (state: ChannelFold, at: number) => { readonly records: readonly ChannelRecord[]; readonly body: T },
    answered: Written<T>,
  ): void {
    this.#owner.submit<T>(
      (state, at) => ({ ok: true, ...decide(state, at) }),
      (outcome) => {
        if (outcome.ok) answered({ ok: true, body: outcome.body.body }, outcome.body.seq);
        else answered(outcome, 0);
        if (this.idle) this.#rested();
      },
    );
  }
}
