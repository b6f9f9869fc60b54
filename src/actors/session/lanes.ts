// SPDX-License-Identifier: Apache-2.0
// The lanes of one thread: wakes them from the journal, hands them their messages, puts idle ones to sleep, resumes what was interrupted.

import { address } from '../../bus/address.ts';
import type { Answer, Envelope } from '../../bus/envelope.ts';
import { type Failure, failure } from '../../errors.ts';
import { emptySession, evolve, type PackedSession, unpackSession } from '../../stores/fold.ts';
import type { Tail } from '../../stores/journal.ts';
import { restore } from '../../stores/records.ts';
import type { World } from '../../world.ts';
import type { Resident, Residents } from '../residents.ts';
import { nextStep } from './decide.ts';
import type { LaneEffects } from './effects.ts';
import { inspectLane } from './inspect.ts';
import { Lane } from './lane.ts';
import { namesOf } from './names.ts';
import type { LanePolicy } from './policy.ts';

export interface LanesOptions {
  readonly world: World;
  readonly policy: () => LanePolicy;
  readonly effects: LaneEffects;
  readonly residents: Residents;
  /** Told when a session is opened, or its lane wakes or falls asleep. */
  readonly moved: (workspace_id: string, session_id: string, how: 'opened' | 'awake' | 'asleep') => void;
  /** Told when a lane has left the thread: leases on its address end. */
  readonly ended: (session_id: string) => void;
  /** Something went wrong that nobody waits for. */
  readonly fault: (session_id: string, error: Failure) => void;
}

/** Messages that may wait for one lane to wake. */
const STASH_MOST = 64;
/** Lanes that wake at once when a thread takes up what was interrupted. */
const RECOVERY_WIDTH = 128;
/** How often deadlines and idle times are looked at, in milliseconds. */
const SWEEP_EVERY = 1_000;
/** Lanes put to sleep in one go, so that a sweep never holds the thread. */
const SLEEP_AT_ONCE = 64;
/** First and longest pause before a wake-up that failed is tried again, in milliseconds. */
const WAKE_PAUSE = { first: 20, longest: 2_000 } as const;

interface Waking {
  readonly stash: Envelope[];
  /** Told once it is awake or could not be woken for now. */
  readonly woken: (() => void)[];
}

interface Awake {
  readonly lane: Lane;
  readonly resident: Resident;
}

export class Lanes {
  private readonly options: LanesOptions;
  private readonly waking = new Map<string, Waking>();
  /** In order of last use: the first is the one to sleep first. */
  private readonly lanes = new Map<string, Awake>();
  private readonly drained: (() => void)[] = [];
  private stopSweep: () => void = () => undefined;
  private stopped = false;

  constructor(options: LanesOptions) {
    this.options = options;
    this.scheduleSweep();
  }

  /** A message for a session. */
  receive(envelope: Envelope, session_id: string): void {
    const awake = this.lanes.get(session_id);
    if (awake !== undefined) {
      this.touch(session_id, awake);
      return this.give(awake, envelope);
    }
    const waking = this.waking.get(session_id) ?? this.wake(session_id);
    if (waking.stash.length < STASH_MOST) waking.stash.push(envelope);
    else
      this.options.effects.fail(
        envelope,
        failure('overloaded', `session/${session_id} is waking up and ${STASH_MOST} messages wait for it.`),
      );
  }

  /** Takes up the sessions that have something open, a few at a time; `done` when all are awake. */
  recover(session_ids: readonly string[], done: () => void): void {
    const left = [...session_ids];
    let open = 0;
    const next = (): void => {
      if (this.stopped) return;
      while (open < RECOVERY_WIDTH && left.length > 0) {
        const session_id = left.pop();
        if (session_id === undefined || this.lanes.has(session_id)) continue;
        open += 1;
        const waking = this.waking.get(session_id) ?? this.wake(session_id);
        waking.woken.push(() => {
          open -= 1;
          next();
        });
      }
      if (open === 0 && left.length === 0) done();
    };
    next();
  }

  /** Turns that run or wait. */
  get busy(): number {
    let busy = this.waking.size;
    for (const { lane } of this.lanes.values()) if (!lane.quiet) busy += 1;
    return busy;
  }

  /** Calls `done` once no lane has anything left to do. */
  drain(done: () => void): void {
    if (this.busy === 0) return done();
    this.drained.push(done);
  }

  get awake(): number {
    return this.lanes.size;
  }

  stop(): void {
    this.stopped = true;
    this.stopSweep();
    for (const { lane } of this.lanes.values()) lane.stop();
    this.lanes.clear();
  }

  private give(awake: Awake, envelope: Envelope): void {
    const { lane, resident } = awake;
    this.options.residents.moved(resident, envelope.type, lane.value, this.options.world.monotonic());
    switch (envelope.type) {
      case 'session.deliver':
        return lane.deliver(envelope);
      case 'session.watch':
        return this.lookAt(lane, () => lane.watch(envelope));
      case 'session.cancel':
        return this.lookAt(lane, () => lane.cancel(envelope));
      case 'session.change':
        return this.lookAt(lane, () => lane.change(envelope));
      default:
        resident.failed += 1;
        return this.options.effects.fail(
          envelope,
          failure('internal', `A session does not understand ${envelope.type}.`),
        );
    }
  }

  /** What only asks must not keep a session in memory that does not exist. */
  private lookAt(lane: Lane, look: () => void): void {
    look();
    if (lane.state.facts === null && lane.quiet) this.forget(lane.session_id);
  }

  private touch(session_id: string, awake: Awake): void {
    awake.lane.active_at = this.options.world.monotonic();
    this.lanes.delete(session_id);
    this.lanes.set(session_id, awake);
  }

  private wake(session_id: string): Waking {
    const waking: Waking = { stash: [], woken: [] };
    this.waking.set(session_id, waking);
    this.readLog(session_id, waking, WAKE_PAUSE.first);
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
      this.waking.delete(session_id);
      for (const envelope of waking.stash) this.options.effects.fail(envelope, answer.error);
      for (const told of waking.woken) told();
      this.options.fault(session_id, answer.error);
    });
  }

  private begin(session_id: string, waking: Waking, tail: Tail): void {
    this.waking.delete(session_id);
    let awake: Awake;
    try {
      awake = this.build(session_id, tail);
    } catch (cause) {
      const error = failure(
        'storage_failed',
        `The log of session/${session_id} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      );
      for (const envelope of waking.stash) this.options.effects.fail(envelope, error);
      for (const told of waking.woken) told();
      return this.options.fault(session_id, error);
    }
    const { lane } = awake;
    this.lanes.set(session_id, awake);
    this.trim();
    if (lane.state.facts !== null) this.options.moved(lane.state.facts.workspace_id, session_id, 'awake');
    lane.resume();
    for (const envelope of waking.stash) {
      // The first message may have found nothing and ended the lane again.
      if (this.lanes.get(session_id) === awake) this.give(awake, envelope);
      else this.receive(envelope, session_id);
    }
    if (lane.state.facts === null && lane.quiet) this.forget(session_id);
    for (const told of waking.woken) told();
  }

  private build(session_id: string, tail: Tail): Awake {
    const { policy } = this.options;
    const { window } = policy();
    let state = emptySession();
    let owed = new Map<string, number>();
    for (const row of tail.rows) {
      const record = restore(row);
      if (record.type === 'checkpoint') {
        ({ state, owed } = unpackSession(record.state as PackedSession, row.seq));
        continue;
      }
      state = evolve(state, record, row.at, window);
      if (record.type === 'message_received') owed.set(record.turn_id, row.seq);
      else if (record.type === 'turn_finished' || record.type === 'turn_failed') owed.delete(record.turn_id);
    }
    const { world, residents } = this.options;
    const names = namesOf(session_id);
    let resident: Resident | undefined;
    const lane = new Lane({
      session_id,
      names,
      world,
      policy,
      effects: this.options.effects,
      state,
      n: tail.n,
      seq: tail.rows.at(-1)?.seq ?? 0,
      owed,
      traced: (event, to, started) => {
        if (resident !== undefined) residents.moved(resident, event, to, started);
        if (this.drained.length > 0) this.tellDrained();
      },
      opened: (workspace_id) => {
        if (resident !== undefined) resident.parent = address('workspace', workspace_id);
        this.options.moved(workspace_id, session_id, 'opened');
      },
      lost: (error) => this.lose(session_id, lane, error),
    });
    const parent = state.facts === null ? null : address('workspace', state.facts.workspace_id);
    resident = residents.add(names.address, parent, inspectLane(lane));
    return { lane, resident };
  }

  /** Its log moved on without it, or could not be written: it starts again from there, at once if a turn is open. */
  private lose(session_id: string, lane: Lane, error: Failure): void {
    const open = nextStep(lane.state) !== 'idle';
    this.options.fault(session_id, error);
    this.forget(session_id);
    if (open)
      this.options.world.after(
        WAKE_PAUSE.longest,
        () => this.stopped || this.lanes.has(session_id) || this.waking.has(session_id) || this.wake(session_id),
      );
  }

  private forget(session_id: string): void {
    const awake = this.lanes.get(session_id);
    if (awake === undefined) return;
    const { facts } = awake.lane.state;
    awake.lane.stop();
    this.lanes.delete(session_id);
    this.options.residents.remove(awake.resident);
    this.options.ended(session_id);
    if (facts !== null) this.options.moved(facts.workspace_id, session_id, 'asleep');
  }

  /** Past the cap the least recently used idle lanes go to sleep early. */
  private trim(): void {
    const over = this.lanes.size - this.options.policy().awake_most;
    if (over > 0) this.putToSleep(Math.min(over, SLEEP_AT_ONCE), () => true);
  }

  private putToSleep(most: number, due: (lane: Lane) => boolean): void {
    let left = most;
    // Looking at a bounded number keeps this cheap when the oldest are all busy.
    let looks = most * 4;
    for (const [session_id, { lane }] of this.lanes) {
      if (left === 0 || looks === 0 || !due(lane)) return;
      looks -= 1;
      if (!lane.quiet) continue;
      left -= 1;
      lane.sleep((asleep) => {
        if (asleep && this.lanes.get(session_id)?.lane === lane) this.forget(session_id);
      });
    }
  }

  private scheduleSweep(): void {
    this.stopSweep = this.options.world.after(SWEEP_EVERY, () => {
      const { world, policy } = this.options;
      const now = world.now();
      const idle_since = world.monotonic() - policy().idle_timeout;
      for (const { lane } of this.lanes.values()) lane.sweep(now);
      this.putToSleep(SLEEP_AT_ONCE, (lane) => lane.active_at < idle_since);
      this.trim();
      this.tellDrained();
      this.scheduleSweep();
    });
  }

  private tellDrained(): void {
    if (this.drained.length === 0 || this.busy > 0) return;
    for (const done of this.drained.splice(0)) done();
  }
}
