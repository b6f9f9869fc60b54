// SPDX-License-Identifier: Apache-2.0
// The lanes of one thread: wakes them from the journal, hands them their messages, resumes what was interrupted.

import { address } from '../../bus/address.ts';
import type { Answer, Envelope } from '../../bus/envelope.ts';
import { type Failure, failure } from '../../errors.ts';
import { evolve } from '../../stores/fold.ts';
import type { Tail } from '../../stores/journal.ts';
import { owedPart, partName } from '../../stores/outbox.ts';
import { type PackedSession, unpackSession } from '../../stores/packed-session.ts';
import { restore } from '../../stores/records.ts';
import { emptySession } from '../../stores/session-state.ts';
import type { World } from '../../world.ts';
import type { Residents } from '../residents.ts';
import { command, standsFor } from './conversation.ts';
import type { Share } from './decide.ts';
import type { LaneEffects } from './effects.ts';
import { InspectedLane } from './inspect.ts';
import { isolated } from './isolated.ts';
import { KeyRoom } from './key-room.ts';
import { Lane } from './lane.ts';
import type { FoldedLog, LaneHost } from './lane-host.ts';
import { namesOf } from './names.ts';
import type { LanePolicy } from './policy.ts';
import { Sleep } from './sleep.ts';

export interface LanesOptions {
  readonly world: World;
  /** What a turn goes by; what is in force now, where none is named. */
  readonly policy: (turn_id?: string) => LanePolicy;
  readonly effects: LaneEffects;
  readonly residents: Residents;
  /** Told when a session is opened, or its lane wakes or falls asleep. */
  readonly moved: (workspace_id: string, session_id: string, how: 'opened' | 'awake' | 'asleep' | 'deleted') => void;
  /** Told when a lane has left the thread: leases on its address end. */
  readonly ended: (session_id: string) => void;
  /** Something went wrong that nobody waits for. */
  readonly fault: (session_id: string, error: Failure) => void;
  /** A session's lane threw: how long it is to be left alone, in milliseconds; a moment when not given. */
  readonly failed?: (session_id: string) => number;
  /** A session's share in the loss of this thread's life before, for those that are taken up after it. */
  readonly share?: (session_id: string) => Share;
}

/** Messages that may wait for one lane to wake, and for all lanes of the thread together. */
const STASH_MOST = 64;
const STASH_ALL = 8_192;
/** Sessions that are left alone for a while because their lanes failed; past it the oldest is tried early. */
const HELD_MOST = 10_000;
/**
 * Sessions that may be awake or waking beyond the cap, because those within it are all busy: a turn that runs cannot be put
 * to sleep, and what it waits for may be another session. One more is told `overloaded`.
 */
export const OVER_MOST = 1_024;
/**
 * Lanes that wake at once when a thread takes up what was interrupted: as many as possible, so that all are taken up before
 * the turns of the first have the thread; but no more than have logs of so many characters together, as far as the logs
 * read so far tell. Until the first is read, the fewest.
 */
const RECOVERY = { fewest: 64, most: 1_024, length: 32 * 1_048_576 } as const;
/** Pause before a session is taken up again over whose work the thread's last life may have ended, in milliseconds. */
const SUSPECT_PAUSE = 1_000;
/** Over how many logs their length is averaged. */
const LOGS_REMEMBERED = 16;
/** First and longest pause before a wake-up that failed is tried again, in milliseconds. */
const WAKE_PAUSE = { first: 20, longest: 2_000 } as const;

interface Waking {
  readonly stash: Envelope[];
  /** Told once it is awake or could not be woken for now. */
  readonly woken: (() => void)[];
  readonly share: Share;
}

export class Lanes {
  private readonly options: LanesOptions;
  private readonly host: LaneHost<Lane>;
  private readonly waking = new Map<string, Waking>();
  /** Sessions whose lanes failed, until they may be tried again. */
  private readonly held = new Map<string, Failure>();
  /** Messages that wait for lanes to wake. */
  private stashed = 0;
  /** What a log was long, in characters of its records, averaged over those read last; 0: none was read yet. */
  private logLength = 0;
  private readonly lanes = new Map<string, Lane>();
  private readonly sleep: Sleep;
  private readonly keys = new KeyRoom(() => this.options.policy().keys);
  private readonly drained: ((turns_left: number) => void)[] = [];
  /** Those who go on with recovering, when there was no room for more. */
  private recoverOn: (() => void)[] = [];
  /** What is open has not been taken up yet. */
  private beginning = true;
  private stopped = false;

  constructor(options: LanesOptions) {
    this.options = { ...options, effects: isolated(options.effects, (id, cause) => this.broke(id, cause)) };
    this.host = this.makeHost();
    this.sleep = new Sleep({
      world: options.world,
      policy: () => options.policy(),
      awake: () => this.lanes.size,
      guarded: (lane, run) => this.guarded(lane, run),
      forget: (lane) => this.forget(lane),
      swept: () => this.tellDrained(),
    });
  }

  /** Senders' keys that are remembered. */
  get remembered(): number {
    return this.keys.total;
  }

  /** A message for a session. */
  receive(envelope: Envelope, session_id: string): void {
    const lane = this.lanes.get(session_id);
    if (lane !== undefined) {
      this.sleep.used(lane);
      return this.give(lane, envelope);
    }
    const held = this.held.get(session_id);
    if (held !== undefined) return this.options.effects.fail(envelope, held);
    const known = this.waking.get(session_id);
    if (known === undefined && !this.room) return this.refuse(envelope, 'too many sessions are busy');
    if ((known?.stash.length ?? 0) >= STASH_MOST || this.stashed >= STASH_ALL)
      return this.refuse(envelope, 'it is waking up and too many messages wait for that');
    // Before all that is open is taken up, whatever is open is what the life before has left.
    const waking = known ?? this.wake(session_id, this.beginning ? this.share(session_id) : 'unknown');
    this.stashed += 1;
    waking.stash.push(envelope);
  }

  /** Takes up the sessions that have something open, a few at a time; `done` when all are awake. */
  recover(session_ids: readonly string[], done: () => void): void {
    this.beginning = false;
    const left = [...session_ids];
    let open = 0;
    const next = (): void => {
      if (this.stopped) return;
      while (open < this.recoveryWidth && left.length > 0) {
        if (!this.room) {
          this.recoverOn.push(next);
          return;
        }
        const session_id = left.pop();
        if (session_id === undefined || this.lanes.has(session_id) || this.held.has(session_id)) continue;
        open += 1;
        const waking = this.waking.get(session_id) ?? this.wake(session_id, this.share(session_id));
        waking.woken.push(() => {
          open -= 1;
          next();
        });
      }
      if (open === 0 && left.length === 0) done();
    };
    next();
  }

  /** The agent is paused no longer: what waited in the sessions that are awake begins. Those asleep are to be recovered. */
  unpaused(): void {
    for (const lane of [...this.lanes.values()]) {
      if (this.lanes.get(lane.session_id) !== lane) continue;
      this.guarded(lane, () => lane.unpaused());
    }
  }

  /** Sessions that have something to do, or are on their way in or out. */
  get busy(): number {
    return this.waking.size + this.lanes.size - this.sleep.resting;
  }

  /** Sessions that only wait for a person: that goes on with the next life of the thread as it would with this one. */
  private get asking(): number {
    let asking = 0;
    for (const lane of this.lanes.values()) if (!lane.resting && lane.asks) asking += 1;
    return asking;
  }

  /** The turns that run. */
  *running(): Generator<string> {
    for (const { state } of this.lanes.values()) if (state.turn !== null) yield state.turn.turn_id;
  }

  /** Calls `done` once no lane has anything left to do; with how many turns are left, as far as is known. */
  drain(done: (turns_left: number) => void): void {
    this.drained.push(done);
    this.tellDrained();
  }

  get awake(): number {
    return this.lanes.size;
  }

  stop(): void {
    this.stopped = true;
    this.sleep.stop();
    for (const lane of this.lanes.values()) lane.stop();
    this.lanes.clear();
  }

  private get recoveryWidth(): number {
    const { fewest, most, length } = RECOVERY;
    return this.logLength === 0 ? fewest : Math.min(most, Math.max(fewest, Math.floor(length / this.logLength)));
  }

  /** Whether one more session may be awake. */
  private get room(): boolean {
    return this.lanes.size + this.waking.size < this.options.policy().awake_most + OVER_MOST;
  }

  private refuse(envelope: Envelope, why: string): void {
    this.options.effects.fail(envelope, failure('overloaded', `${envelope.to} cannot be woken now: ${why}.`));
  }

  /** What happens to every lane of this thread. */
  private makeHost(): LaneHost<Lane> {
    const { world, policy, effects, residents } = this.options;
    return {
      world,
      policy,
      effects,
      remembered: (lane) => this.keys.note(lane),
      traced: (lane, event, to, started) => {
        if (lane.resident !== null) residents.moved(lane.resident, event, to, started);
      },
      opened: ({ session_id, resident }, workspace_id) => {
        if (resident !== null) residents.adopt(resident, address('workspace', workspace_id));
        this.options.moved(workspace_id, session_id, 'opened');
      },
      began: (lane, started_at) => this.sleep.began(lane, started_at),
      due: (lane, at) => this.sleep.due(lane, at),
      stirred: (lane) => this.sleep.stirred(lane),
      rested: (lane) => {
        this.sleep.rested(lane);
        this.tellDrained();
      },
      guarded: (lane, run) => this.guarded(lane, run),
      deleted: (lane, workspace_id) => {
        this.forget(lane);
        this.options.moved(workspace_id, lane.session_id, 'deleted');
      },
      lost: (lane, error) => this.lose(lane, error),
    };
  }

  /** What a lane throws harms itself alone. */
  private guarded(lane: Lane, run: () => void): void {
    try {
      run();
    } catch (cause) {
      this.broke(lane.session_id, cause);
    }
  }

  /** A lane threw, so nobody knows what it holds: it goes, and comes back from its log after a while. */
  private broke(session_id: string, cause: unknown): void {
    const lane = this.lanes.get(session_id);
    const text = cause instanceof Error ? cause.message : String(cause);
    const error = failure('internal', `session/${session_id} failed and begins again from its log: ${text}`);
    const pause = this.options.failed?.(session_id) ?? WAKE_PAUSE.longest;
    const open = lane?.open === true;
    this.held.set(session_id, error);
    for (const oldest of this.held.keys()) {
      if (this.held.size <= HELD_MOST) break;
      this.held.delete(oldest);
    }
    this.options.world.after(pause, () => {
      this.held.delete(session_id);
      if (this.stopped || this.lanes.has(session_id) || this.waking.has(session_id)) return;
      if (open) this.wake(session_id);
    });
    if (lane === undefined) this.options.fault(session_id, error);
    else lane.lost(error);
  }

  private give(lane: Lane, envelope: Envelope): void {
    try {
      this.handle(lane, envelope);
    } catch (cause) {
      // Who waits for a receipt is told by the lane itself.
      const told = lane.owesReceipt(envelope);
      this.broke(lane.session_id, cause);
      if (!told) this.options.effects.fail(envelope, failure('internal', `${envelope.to} failed on ${envelope.type}.`));
    }
  }

  private handle(lane: Lane, envelope: Envelope): void {
    const { resident } = lane;
    if (resident !== null)
      this.options.residents.moved(resident, envelope.type, lane.value, this.options.world.monotonic());
    const next = standsFor(lane, envelope);
    // Not before it is durable that it is another's.
    if (next !== undefined) return lane.whenDurable(() => this.options.effects.forward(envelope, next));
    switch (envelope.type) {
      case 'session.deliver':
        return lane.deliver(envelope);
      case 'session.watch':
        return this.lookAt(lane, () => lane.watch(envelope));
      case 'session.cancel':
        return this.lookAt(lane, () => lane.cancel(envelope));
      case 'session.approval':
        return this.lookAt(lane, () => lane.approval(envelope));
      case 'session.import':
        return this.lookAt(lane, () => lane.changes.import(envelope));
      case 'session.command':
        return this.lookAt(lane, () => command(lane, envelope));
      case 'session.change':
        return this.lookAt(lane, () => lane.changes.change(envelope));
      case 'session.write':
        return this.lookAt(lane, () => lane.changes.writeFor(envelope));
      case 'session.compacted':
        return this.lookAt(lane, () => lane.changes.compacted(envelope));
      case 'session.erase_summary':
        return this.lookAt(lane, () => lane.changes.eraseSummary(envelope));
      case 'session.delete':
        return this.lookAt(lane, () => lane.changes.delete(envelope));
      default:
        if (resident !== null) resident.failed += 1;
        return this.options.effects.fail(
          envelope,
          failure('internal', `A session does not understand ${envelope.type}.`),
        );
    }
  }

  /** What only asks must not keep a session in memory that does not exist. */
  private lookAt(lane: Lane, look: () => void): void {
    look();
    if (lane.state.facts === null && lane.quiet) this.forget(lane);
  }

  private share(session_id: string): Share {
    return this.options.share?.(session_id) ?? 'unknown';
  }

  private wake(session_id: string, share: Share = 'unknown'): Waking {
    const waking: Waking = { stash: [], woken: [], share };
    this.waking.set(session_id, waking);
    const read = (): void => this.readLog(session_id, waking, WAKE_PAUSE.first);
    // Whoever may flood the thread again comes after those it would flood it for.
    if (share === 'suspect') this.options.world.after(SUSPECT_PAUSE, () => this.stopped || read());
    else read();
    return waking;
  }

  private readLog(session_id: string, waking: Waking, pause: number): void {
    this.options.effects.tail(session_id, (answer: Answer<Tail>) => {
      if (this.stopped) return;
      if (answer.ok) return this.begin(session_id, waking, answer.body);
      if (answer.error.retryable) {
        const longer = Math.min(WAKE_PAUSE.longest, pause * 2);
        this.options.world.after(pause, () => this.stopped || this.readLog(session_id, waking, longer));
        return;
      }
      this.giveUp(session_id, waking, answer.error);
    });
  }

  /** It cannot be woken: whoever waits is told. */
  private giveUp(session_id: string, waking: Waking, error: Failure): void {
    this.leaveWaking(session_id, waking);
    for (const envelope of waking.stash) this.options.effects.fail(envelope, error);
    this.options.fault(session_id, error);
    this.left(waking);
  }

  private leaveWaking(session_id: string, waking: Waking): void {
    this.waking.delete(session_id);
    this.stashed -= waking.stash.length;
  }

  /** Somebody may have waited for this. */
  private left(waking: Waking): void {
    for (const told of waking.woken) told();
    this.tellDrained();
  }

  private begin(session_id: string, waking: Waking, tail: Tail): void {
    let log: FoldedLog;
    try {
      log = this.fold(tail);
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      const error = failure('storage_failed', `The log of session/${session_id} cannot be read: ${text}`);
      return this.giveUp(session_id, waking, error);
    }
    this.leaveWaking(session_id, waking);
    const lane = this.add(session_id, log);
    this.sleep.hold();
    this.guarded(lane, () => lane.resume(waking.share));
    for (const envelope of waking.stash) {
      // The first message may have found nothing and ended the lane again.
      if (this.lanes.get(session_id) === lane) this.give(lane, envelope);
      else this.receive(envelope, session_id);
    }
    if (lane.state.facts === null && lane.quiet) this.forget(lane);
    this.sleep.release();
    this.left(waking);
  }

  private add(session_id: string, log: FoldedLog): Lane {
    const { facts } = log.state;
    const names = namesOf(session_id);
    const lane = new Lane(this.host, names, log);
    const parent = facts === null ? null : address('workspace', facts.workspace_id);
    lane.resident = this.options.residents.add(names.address, parent, new InspectedLane(lane));
    this.lanes.set(session_id, lane);
    this.keys.note(lane);
    if (facts !== null) this.options.moved(facts.workspace_id, session_id, 'awake');
    return lane;
  }

  private fold(tail: Tail): FoldedLog {
    const { window } = this.options.policy();
    let state = emptySession();
    let owed = new Map<string, number>();
    let length = 0;
    for (const row of tail.rows) {
      length += row.payload.length;
      const record = restore(row);
      if (record.type === 'checkpoint') {
        ({ state, owed } = unpackSession(record.state as PackedSession, row.seq));
        continue;
      }
      state = evolve(state, record, row.at, window);
      if (record.type === 'message_received') owed.set(record.turn_id, row.seq);
      else if (record.type === 'turn_finished' || record.type === 'turn_failed') owed.delete(record.turn_id);
      else if ('waited_as' in record) owed.delete(record.waited_as);
      else if (record.type === 'reply_handed' || record.type === 'reply_lost') owed.delete(partName(record.key));
      const part = owedPart(record);
      if (part !== null) owed.set(partName(part), row.seq);
    }
    this.logLength = this.logLength === 0 ? length : this.logLength + (length - this.logLength) / LOGS_REMEMBERED;
    return { state, n: tail.n, seq: tail.rows.at(-1)?.seq ?? 0, owed };
  }

  /** Its log moved on without it, or could not be written: it starts again from there, at once if a turn is open. */
  private lose(lane: Lane, error: Failure): void {
    const { session_id, open } = lane;
    this.options.fault(session_id, error);
    this.forget(lane);
    if (open && !this.held.has(session_id))
      this.options.world.after(
        WAKE_PAUSE.longest,
        () => this.stopped || this.lanes.has(session_id) || this.waking.has(session_id) || this.wake(session_id),
      );
  }

  private forget(lane: Lane): void {
    const { session_id, resident } = lane;
    if (this.lanes.get(session_id) !== lane) return;
    const { facts } = lane.state;
    this.sleep.left(lane);
    this.lanes.delete(session_id);
    this.keys.left(lane);
    try {
      lane.stop();
    } catch (cause) {
      this.options.fault(session_id, failure('internal', `It did not stop: ${String(cause)}`));
    }
    if (resident !== null) this.options.residents.remove(resident);
    this.options.ended(session_id);
    if (facts !== null) this.options.moved(facts.workspace_id, session_id, 'asleep');
    for (const next of this.recoverOn.splice(0)) next();
    this.tellDrained();
  }

  private tellDrained(): void {
    if (this.drained.length === 0) return;
    const { asking } = this;
    if (this.busy > asking) return;
    // What the life before has left open and nobody has looked at yet is left to the next one.
    for (const done of this.drained.splice(0)) done(this.beginning ? asking + 1 : asking);
  }
}
