// SPDX-License-Identifier: Apache-2.0
// What happens in one run: who writes what and when, how the models and tools behave, what breaks. All of it from a seed.

import type { KeyBounds } from '../../src/actors/session/policy.ts';
import { CHANNEL_POINTS, KILL_POINTS, type KillPoint } from '../../src/composition/kill-points.ts';
import type { FailureScope } from '../../src/providers/provider.ts';
import type { QueueMode } from '../../src/stores/records.ts';
import { Chance } from './chance.ts';

/** One model call of a turn, as the scripted model makes it. */
export interface PlannedCall {
  /** Deltas of its text; some of them thoughts. */
  readonly deltas: number;
  /** Tools it asks for; none: its reply ends the turn. */
  readonly tools: readonly PlannedTool[];
  /** Milliseconds before the first event, and between two. */
  readonly first: number;
  readonly gap: number;
  readonly tokens: number;
  readonly fault: ModelFault | null;
}

/** How a model misbehaves, in the first `times` attempts. */
export interface ModelFault {
  readonly kind: 'before' | 'mid' | 'silent' | 'hang' | 'endless' | 'busy' | 'filtered';
  readonly times: number;
  /** What its failure is about; nothing where it is not said. */
  readonly about?: FailureScope;
}

export interface PlannedTool {
  /** `once`: not to be run again; `again`: idempotent. */
  readonly name: 'once' | 'again';
  readonly ms: number;
  readonly how: 'answers' | 'fails' | 'hangs';
  /** A person is asked first; nobody where it is not said. */
  readonly asks?: PlannedApproval;
}

/** What the person does who is asked, so many milliseconds later. */
export interface PlannedApproval {
  readonly how: 'approve' | 'deny' | 'nobody';
  readonly after: number;
}

export interface PlannedMessage {
  readonly key: number;
  readonly user: number;
  /** Messages of one number go to one session; the first of them opens it. */
  readonly session: number;
  /** When its client sends it, in milliseconds. */
  readonly at: number;
  /** What its client waits for: the receipt, the whole answer, the events. `chat`: it is said on the chat platform, and answered there. */
  readonly mode: 'send' | 'whole' | 'stream' | 'chat';
  /** What it does while a turn runs; what the settings say where it is not said. */
  readonly queue?: QueueMode;
  /** Turns of calls; past the last the last again. */
  readonly calls: readonly [PlannedCall, ...PlannedCall[]];
  /** The client sends it so often more at about the same time. */
  readonly again: number;
  /** And once more so many milliseconds after it was first sent. */
  readonly late?: number;
  /** So many milliseconds after the receipt it is cancelled. */
  readonly cancel: number | null;
  /** The client goes away from the answer after so many milliseconds and asks again later. */
  readonly leaves: number | null;
}

/** A chat platform, as its adapter is made for it. */
export interface PlannedChat {
  readonly dedupe: 'none' | 'window' | 'lookup';
  /** Messages can be changed there, and taken back: answers grow. */
  readonly editing: boolean;
  readonly removing: boolean;
  /** The most characters of a message. */
  readonly longest: number;
  /** Whether what may have been said is said again where people would see it twice. */
  readonly redeliver: boolean;
}

export type Fault = FaultKind & {
  /** Happens before this step. */
  readonly step: number;
};

type FaultKind =
  | { readonly kind: 'kill'; readonly thread: string }
  /** At the n-th time from then on that any thread passes a named point. */
  | { readonly kind: 'point'; readonly point: string; readonly nth: number; readonly whole: boolean }
  | {
      readonly kind: 'crash';
      readonly ghost: boolean;
      readonly views: 'kept' | 'gateway' | 'all';
      readonly down: number;
    }
  | { readonly kind: 'drain' }
  | { readonly kind: 'hold'; readonly thread: string; readonly ms: number }
  | { readonly kind: 'disk'; readonly how: 'write' | 'sync'; readonly times: number }
  | { readonly kind: 'slow'; readonly ms: number; readonly for: number };

export interface Plan {
  readonly seed: number;
  /** Faults come before this step; afterwards everything must come to its end. */
  readonly steps: number;
  readonly lanes: number;
  /** Milliseconds a batch takes from thread to thread: always, at most besides, and now and then. */
  readonly link: { readonly base: number; readonly jitter: number; readonly slow_share: number; readonly slow: number };
  /** What a look at the clock costs a thread, in milliseconds. */
  readonly cost: number;
  /** What a thread's loop takes at most to turn once, in milliseconds: so late comes what was put off to its next turn. */
  readonly turn: number;
  readonly settings: {
    readonly queue: 'followup' | 'interrupt';
    readonly idle_timeout: number;
    readonly awake_max: number;
    readonly max_concurrency: number;
    readonly per_hour_tokens: number;
    readonly per_session_tokens: number;
    readonly turn_timeout: number;
    readonly tool_timeout: number;
    readonly max_tool_iterations: number;
    readonly mailbox_capacity: number;
    readonly window: number;
    /** Models there are to take the place of one that cannot answer; none where it is not said. */
    readonly spares?: number;
    /** Times a call is made again; none where it is not said. */
    readonly retries?: number;
    /** Messages of a session's window, and of a summary of what left it; as the defaults have it where it is not said. */
    readonly compaction?: { readonly window: number; readonly batch: number; readonly keep: number };
    /** How long a person may take to answer, in milliseconds. */
    readonly approval_timeout?: number;
    /** Senders' keys that are remembered; as the defaults have it where it is not said. */
    readonly keys?: KeyBounds;
  };
  /** A platform on which some of the messages are said. */
  readonly chat?: PlannedChat;
  readonly messages: readonly PlannedMessage[];
  readonly faults: readonly Fault[];
  /** From when to when the vendor fails whatever it is asked, in milliseconds. */
  readonly outage?: { readonly from: number; readonly until: number };
}

/** Share of the runs in which the vendor is down for a while. */
const OUTAGES = 0.3;

/**
 * The named places a simulated thread passes, in an order of their own: which one a number draws depends on it. The start of
 * a real process and what is written to a socket are not simulated.
 */
export const POINTS: readonly KillPoint[] = KILL_POINTS.filter((point) => !/^(start|edge)\./.test(point)).toSorted();

/** A run in full. @param steps during how many steps things break */
export function planOf(seed: number, steps: number): Plan {
  const chance = new Chance(seed ^ 0x5e_ed);
  const lanes = 1 + chance.int(3);
  const calm = chance.often(0.1);
  const wild = chance.often(0.15);
  const crowd = chance.often(0.08);
  const users = 1 + chance.int(3);
  const sessions = crowd ? 1 : 1 + chance.int(chance.often(0.1) ? 24 : 6);
  const count = crowd ? 64 : sessions + chance.int(12);
  const span = chance.pick([50, 400, 2_000, 6_000]);
  // What takes long by itself is judged only where nothing else is in the way.
  const slow = chance.pick(calm ? [0.1, 0.6] : [0.1, 0.1, 0.1, 0.6]);
  const opened = new Set<number>();
  const messages = Array.from({ length: count }, (_, at): PlannedMessage => {
    const session = at < sessions ? at : chance.int(sessions);
    const opens = !opened.has(session);
    opened.add(session);
    return {
      key: at + 1,
      user: session % users,
      session,
      at: Math.round(opens ? chance.between(0, span / 4) : chance.between(0, span)),
      mode: chance.pick(['send', 'whole', 'whole', 'stream', 'stream']),
      calls: callsOf(chance, slow),
      again: chance.often(0.25) ? 1 + chance.int(3) : 0,
      cancel: chance.often(0.12) ? Math.round(chance.between(0, 1_500)) : null,
      leaves: chance.often(0.1) ? Math.round(chance.between(0, 800)) : null,
    };
  });
  const names = ['journal', 'views', 'read', ...Array.from({ length: lanes }, (_, at) => `lane-${at + 1}`)] as const;
  const faults = calm ? [] : faultsOf(chance, wild ? 12 : 5, steps, names);
  if (!calm && new Chance(seed ^ 0x7a_11).often(LATE_JOURNAL)) faults.push(...lateJournal(seed, steps, lanes));
  // Where nothing is in anybody's way it is judged who waits for whom: a platform would be in the way.
  const chat = calm ? undefined : chatOf(new Chance(seed ^ 0xc_4a7));
  if (chat !== undefined) faults.push(...faultsOfChats(new Chance(seed ^ 0x10_fa), steps));
  faults.sort((one, other) => one.step - other.step);
  return {
    seed,
    steps,
    lanes,
    link: {
      base: chance.pick([0.02, 0.1, 1]),
      jitter: chance.pick([0.05, 0.5, 5]),
      slow_share: calm ? 0 : chance.pick([0, 0, 0.01, 0.05]),
      slow: chance.pick([20, 300, 2_000]),
    },
    cost: chance.pick([0.001, 0.01, 0.1, 1]),
    settings: {
      queue: chance.often(0.2) ? 'interrupt' : 'followup',
      idle_timeout: chance.pick([1_000, 3_000, 900_000]),
      awake_max: chance.pick([1, 3, 5_000]),
      max_concurrency: chance.pick([0, 1, 2, 5]),
      per_hour_tokens: chance.often(0.4) ? chance.pick([2_600, 2_600, 4_000, 6_000, 100_000]) : 0,
      per_session_tokens: chance.often(0.1) ? chance.pick([1_300, 30_000]) : 0,
      turn_timeout: chance.pick([4_000, 10_000]),
      tool_timeout: chance.pick([1_000, 3_000]),
      max_tool_iterations: chance.pick([1, 3, 5]),
      mailbox_capacity: chance.often(0.1) ? 8 : 1_024,
      window: chance.often(0.1) ? 16 : 8_192,
      ...replacing(new Chance(seed ^ 0x0f_a1)),
      ...compacting(new Chance(seed ^ 0x0c_0a)),
      approval_timeout: new Chance(seed ^ 0x7_1e).pick([1_500, 5_000, 20_000]),
      ...forgetting(new Chance(seed ^ 0x6_e7)),
    },
    turn: chance.pick([0.02, 0.02, 1, 8]),
    ...(chat === undefined ? {} : { chat }),
    messages: (calm ? messages : askedIn(new Chance(seed ^ 0xa_5c), queuedIn(new Chance(seed ^ 0x9_0e), messages)))
      .map((message) => aboutWhat(new Chance(seed ^ (0xab0 + message.key)), message))
      .map((message) => sentLate(new Chance(seed ^ (0x1a_30 + message.key)), message))
      .map((message) =>
        chat === undefined ? message : saidOn(new Chance(seed ^ (0x5a_1d + message.session)), message),
      ),
    faults,
    ...outageOf(seed, span),
  };
}

function replacing(chance: Chance): Pick<Plan['settings'], 'spares' | 'retries'> {
  return { spares: chance.pick([0, 0, 1, 3]), retries: chance.pick([0, 0, 1, 3]) };
}

/** In most runs a session has so much to say only where that is little. */
function compacting(chance: Chance): Pick<Plan['settings'], 'compaction'> {
  if (chance.often(0.4)) return {};
  return { compaction: { window: 1 + chance.int(4), batch: 2 + chance.int(3), keep: chance.pick([1, 3, 8]) } };
}

/** In half of the runs sessions remember few of their keys, and ask the view for the others. */
function forgetting(chance: Chance): Pick<Plan['settings'], 'keys'> {
  return chance.often(0.5) ? {} : { keys: { most: chance.pick([1, 4, 12]), least: chance.pick([1, 1, 2, 4]) } };
}

/** In some runs some conversations are held on a chat platform. */
function chatOf(chance: Chance): PlannedChat | undefined {
  if (!chance.often(0.4)) return undefined;
  const editing = chance.often(0.4);
  return {
    dedupe: chance.pick(['window', 'lookup', 'lookup', 'none']),
    editing,
    removing: editing && chance.often(0.5),
    longest: chance.pick([64, 2_000]),
    redeliver: chance.often(0.7),
  };
}

/** Drawn by its session: all of one conversation are said in one place. */
function saidOn(chance: Chance, message: PlannedMessage): PlannedMessage {
  if (!chance.often(0.6)) return message;
  const { queue: _, ...rest } = message;
  return { ...rest, mode: 'chat', cancel: null, leaves: null };
}

/** What happens to the thread of chats beside all else. */
function faultsOfChats(chance: Chance, steps: number): readonly Fault[] {
  return Array.from({ length: chance.int(5) }, (): Fault => {
    const step = Math.floor(steps * chance.next() ** 2);
    if (chance.often(0.25)) return { kind: 'hold', thread: 'io-1', ms: chance.pick([5, 400, 12_000]), step };
    if (chance.often(0.4)) return { kind: 'kill', thread: 'io-1', step };
    const point = chance.pick(CHANNEL_POINTS);
    return { kind: 'point', point, nth: 1 + chance.int(4), whole: chance.often(0.3), step };
  });
}

/** In some runs every message waits as the settings say, in others each in a way of its own. */
function queuedIn(chance: Chance, messages: readonly PlannedMessage[]): readonly PlannedMessage[] {
  const modes = chance.pick<readonly [QueueMode, ...QueueMode[]] | null>([
    null,
    null,
    ['collect'],
    ['steer'],
    ['followup', 'collect', 'steer', 'interrupt'],
  ]);
  return modes === null ? messages : messages.map((message) => ({ ...message, queue: chance.pick(modes) }));
}

/** In some runs some tools ask before they run, and people answer sooner or later. */
function askedIn(chance: Chance, messages: readonly PlannedMessage[]): readonly PlannedMessage[] {
  if (!chance.often(0.4)) return messages;
  const tool = (made: PlannedTool): PlannedTool => {
    if (!chance.often(0.4)) return made;
    const how = chance.pick(['approve', 'approve', 'approve', 'deny', 'nobody'] as const);
    return { ...made, asks: { how, after: Math.round(chance.between(0, chance.pick([50, 2_000, 8_000]))) } };
  };
  const call = (made: PlannedCall): PlannedCall => ({ ...made, tools: made.tools.map(tool) });
  return messages.map((message) => {
    const [first, ...others] = message.calls;
    return { ...message, calls: [call(first), ...others.map(call)] };
  });
}

/** When others may have been sent since, and its key is forgotten. */
function sentLate(chance: Chance, message: PlannedMessage): PlannedMessage {
  return chance.often(0.3) ? { ...message, late: Math.round(chance.between(100, 8_000)) } : message;
}

function aboutWhat(chance: Chance, message: PlannedMessage): PlannedMessage {
  const call = (made: PlannedCall): PlannedCall => {
    const about = chance.pick(['provider', 'provider', 'model', 'key', 'request'] as const);
    return made.fault === null ? made : { ...made, fault: { ...made.fault, about } };
  };
  const [first, ...others] = message.calls;
  return { ...message, calls: [call(first), ...others.map(call)] };
}

/** Drawn apart from the rest, so that a plan is otherwise what it would be without. */
function outageOf(seed: number, span: number): Pick<Plan, 'outage'> {
  const chance = new Chance(seed ^ 0x0f_f1);
  if (!chance.often(OUTAGES)) return {};
  const from = chance.between(0, span);
  return { outage: { from, until: from + chance.between(200, 5_000) } };
}

/** @param slow the share of tools that may take seconds */
function callsOf(chance: Chance, slow: number): PlannedMessage['calls'] {
  const call = (tools: boolean): PlannedCall => ({
    deltas: chance.int(5),
    tools: tools
      ? Array.from({ length: 1 + chance.int(3) }, () => ({
          name: chance.pick(['once', 'once', 'again']),
          ms: Math.round(chance.between(0, chance.often(slow) ? 5_000 : 100)),
          how: chance.often(0.1) ? chance.pick(['fails', 'hangs']) : 'answers',
        }))
      : [],
    first: chance.between(0.1, 80),
    gap: chance.between(0.1, 30),
    tokens: 10 + chance.int(60),
    fault: chance.often(0.1)
      ? {
          kind: chance.pick(['before', 'mid', 'silent', 'hang', 'endless', 'busy', 'filtered']),
          times: chance.pick([1, 1, 2, 99]),
        }
      : null,
  });
  const rounds = chance.often(0.4) ? 1 + chance.int(3) : 0;
  return [
    call(rounds > 0),
    ...Array.from({ length: Math.max(0, rounds - 1) }, () => call(true)),
    ...(rounds > 0 && !chance.often(0.1) ? [call(false)] : []),
  ];
}

/** Some come alone, some with another close behind: what one has begun, the next cuts through. */
function faultsOf(chance: Chance, most: number, steps: number, threads: readonly string[]): Fault[] {
  const faults: Fault[] = [];
  for (let left = chance.int(most); left > 0; left -= 1) {
    const fault = faultOf(chance, steps, threads);
    faults.push(fault);
    for (let step = fault.step; chance.often(0.4); ) {
      step += chance.int(chance.pick([4, 40, 150]));
      faults.push({ ...faultOf(chance, steps, threads), step });
    }
  }
  // Two threads end at about the same time, or one while another stands still that it has just told something.
  for (let scenes = chance.int(4); scenes > 0; scenes -= 1) {
    const step = Math.floor(steps * chance.next() ** 2);
    const one = chance.pick(['journal', 'journal', 'read', 'views', 'lane-1']);
    const other = threads[chance.int(threads.length)] ?? 'lane-1';
    if (chance.often(0.5)) faults.push({ kind: 'hold', thread: one, ms: chance.pick([100, 400]), step });
    else faults.push({ kind: 'kill', thread: one, step });
    faults.push({ kind: 'kill', thread: other, step: step + chance.int(30) });
  }
  return faults;
}

/** The share of runs in which lanes die while the journal is late. */
const LATE_JOURNAL = 0.15;

/**
 * A lane dies just after it has told a journal that stands still something, and its next life asks the journal before that
 * moves again: what the dead one wrote must be found.
 */
function lateJournal(seed: number, steps: number, lanes: number): readonly Fault[] {
  const chance = new Chance(seed ^ 0x1a_7e);
  return Array.from({ length: 2 + chance.int(4) }, () => Math.floor((steps / 2) * chance.next() ** 2)).flatMap(
    (step): readonly Fault[] => [
      { kind: 'hold', thread: 'journal', ms: chance.pick([100, 250, 600]), step },
      { kind: 'kill', thread: `lane-${1 + chance.int(lanes)}`, step: step + 1 + chance.int(40) },
    ],
  );
}

function faultOf(chance: Chance, steps: number, threads: readonly string[]): Fault {
  // More of them early: a short run is over long before its last step.
  const step = Math.floor(steps * chance.next() ** 2);
  const thread = threads[chance.int(threads.length)] ?? 'journal';
  const kinds: readonly [() => FaultKind, number][] = [
    [() => ({ kind: 'kill', thread }), 6],
    [
      () => ({
        kind: 'point',
        point: POINTS[chance.int(POINTS.length)] ?? 'journal.gathered',
        nth: 1 + chance.int(4),
        whole: chance.often(0.3),
      }),
      6,
    ],
    [
      () => ({
        kind: 'crash',
        ghost: chance.often(0.5),
        views: chance.pick(['kept', 'kept', 'gateway', 'all']),
        down: Math.round(chance.between(50, 3_000)),
      }),
      3,
    ],
    [() => ({ kind: 'drain' }), 2],
    [() => ({ kind: 'hold', thread, ms: Math.round(chance.pick([5, 80, 1_000, 12_000])) }), 3],
    [() => ({ kind: 'disk', how: chance.pick(['write', 'sync']), times: 1 + chance.int(4) }), 2],
    [() => ({ kind: 'slow', ms: chance.pick([2, 20, 200]), for: Math.round(chance.between(50, 3_000)) }), 1],
  ];
  let left = chance.int(kinds.reduce((sum, [, weight]) => sum + weight, 0));
  for (const [make, weight] of kinds) {
    left -= weight;
    if (left < 0) return { ...make(), step };
  }
  return { kind: 'kill', thread, step };
}
