// SPDX-License-Identifier: Apache-2.0
// A house to put the edge in front of: a bus that plays channel, lanes, threads and authorities as a test scripts them.

import { createHash, randomUUID } from 'node:crypto';
import type { Inbound } from '../../src/actors/channel/protocol.ts';
import type { SigilBus, SigilProtocols } from '../../src/actors/protocols.ts';
import { type Delivered, ENDS_TOPIC, TURNS_TOPIC } from '../../src/actors/session/protocol.ts';
import type { SkillKeeping } from '../../src/agent/skills/keeping.ts';
import { type Address, address, type Kind } from '../../src/bus/address.ts';
import { type Answer, type BusFailure, type Subscriber, type Topic, topic } from '../../src/bus/envelope.ts';
import { realWorld } from '../../src/composition/real-world.ts';
import { type Config, ConfigSchema } from '../../src/config/schema.ts';
import { keptSecrets } from '../../src/config/secret-keys.ts';
import type { EdgePorts, TokenGrant } from '../../src/edge/ports.ts';
import { type ErrorCode, failure, SigilError } from '../../src/errors.ts';
import { createEnvStore } from '../../src/secrets/env-store.ts';
import { createSecretKeeping } from '../../src/secrets/keeping.ts';
import { Redactor } from '../../src/secrets/redactor.ts';
import type { SecretStore } from '../../src/secrets/store.ts';
import type { ReadQueries, ReadQuery, ReadStore, SessionRow, TurnRow } from '../../src/stores/session-store.ts';
import { endsTurn, type NumberedTurnEvent, type TurnEvent, type TurnEventBatch } from '../../src/stores/turn-events.ts';
import { createUsageStore } from '../../src/stores/usage-store.ts';
import { FakeDirectory } from './fake-directory.ts';

/** Answers one message type at one address; `undefined` never answers. */
export type Door = (body: never, type: string) => unknown;

const NO_USAGE = { input_tokens: 1, output_tokens: 2, cache_read_tokens: 0, cache_write_tokens: 0, cost_usd: 0.001 };

/** A turn as its lane has it: all it ever said, and where its memory begins. */
export interface FakeTurn {
  row: TurnRow;
  readonly said: NumberedTurnEvent[];
  /** The number the lane's memory begins with. */
  first: number;
}

export class FakeHouse {
  readonly doors = new Map<string, Door>();
  readonly turns = new Map<string, FakeTurn>();
  readonly sessions = new Map<string, SessionRow>();
  readonly received: Inbound[] = [];
  readonly logged: unknown[] = [];
  readonly subscribers = new Map<string, Set<Subscriber<never>>>();
  /** What a turn says once its message is durable. */
  script: (turn: FakeTurn) => void = (turn) => this.play(turn, 'Hello.');
  state: 'starting' | 'running' | 'draining' = 'running';
  directory = new FakeDirectory(ConfigSchema.parse({}) as Config);
  private seq = 0;

  constructor() {
    this.doors.set('channel/http', ((inbound: Inbound, type: string) =>
      type === 'channel.status'
        ? { name: 'http', type: 'http', state: 'open', received: this.received.length, refused: 0 }
        : this.receive(inbound)) as Door);
  }

  readonly bus: SigilBus = {
    send: () => true,
    ask: (to, type, body, options, answered) => {
      setImmediate(() => {
        const answer = this.answer(to, type, body);
        if (answer === undefined) {
          const late = setTimeout(
            () => answered({ ok: false, error: failure('deadline_exceeded', `no answer from ${to}`) }),
            options.within,
          );
          late.unref();
          return;
        }
        answered(answer as Answer<never>);
      });
    },
    reply: () => undefined,
    fail: () => undefined,
    senderLives: () => true,
    publish: (to, event) => this.publish(to, [event]),
    heard: (to) => (this.subscribers.get(to)?.size ?? 0) > 0,
    subscribe: <E>(to: Topic<E>, subscriber: Subscriber<E>) => {
      const all = this.subscribers.get(to) ?? new Set();
      this.subscribers.set(to, all);
      all.add(subscriber as Subscriber<never>);
      return () => void all.delete(subscriber as Subscriber<never>);
    },
    watch: () => () => undefined,
  };

  readonly store: ReadStore = {
    read: async <Q extends ReadQuery>(query: Q, body: ReadQueries[Q]['body']) => {
      await new Promise((resolve) => setImmediate(resolve));
      return this.query(query, body as never) as ReadQueries[Q]['reply'];
    },
  };

  readonly redactor = new Redactor();
  /** Where secrets are kept. */
  secretStore: SecretStore = createEnvStore({});

  /** Nobody has any skill; what is kept in files is told by the real thing. */
  readonly skills: SkillKeeping = {
    list: () => Promise.resolve([]),
    show: (_, name) => missing(`skill ${name}`),
    install: () => missing('place for skills'),
    copy: ({ name }) => missing(`skill ${name}`),
    link: ({ name }) => missing(`skill ${name}`),
    remove: (_, name) => missing(`skill ${name}`),
  };

  /** What a backup sends; what it throws is its failure. */
  archive: () => AsyncIterable<Uint8Array> = async function* () {
    yield Buffer.from('archive');
  };

  ports(settings: Readonly<Record<string, unknown>> = {}, more: Partial<EdgePorts> = {}): EdgePorts {
    const log = (fields: unknown, message: string): void => void this.logged.push([message, fields]);
    const config = ConfigSchema.parse(settings) as Config;
    const directory = new FakeDirectory(config);
    this.directory = directory;
    const store = { read: directory.read } as unknown as ReadStore;
    return {
      bus: this.bus,
      store: this.store,
      world: realWorld,
      config,
      live: directory,
      places: directory,
      agent: directory,
      gateway: directory.gateway,
      usage: createUsageStore(store, (epoch) => new Date(epoch)),
      tokens: [grant('owner-token', 'owner', ['admin:*'])],
      log: { debug: log, info: log, warn: log, error: log },
      version: '0.0.0',
      commit: 'abcdef',
      threads: ['main', 'lane-1'],
      resting: [],
      threadOf: () => 'lane-1',
      workspaces: ['homelab'],
      providers: [{ name: 'sigil', type: 'sigil', models: [] }],
      channels: ['http'],
      budgets: ['global'],
      state: () => this.state,
      quarantined: [],
      backup: { start: () => this.archive() },
      capabilities: {
        matrix: () => Promise.resolve([]),
        explain: () => Promise.reject(new SigilError(failure('internal', 'nothing is explained here'))),
      },
      erasure: {
        begin: () => Promise.reject(new SigilError(failure('internal', 'nothing is erased here'))),
        find: () => undefined,
        erasing: () => false,
      },
      secrets: createSecretKeeping({
        open: () => Promise.resolve(this.secretStore),
        used: () => keptSecrets(config),
        redactor: this.redactor,
      }),
      skills: this.skills,
      ...more,
    };
  }

  publish<E>(to: Topic<E>, events: readonly E[]): void {
    for (const subscriber of this.subscribers.get(to) ?? []) (subscriber as Subscriber<E>).events(events);
  }

  lose(to: Topic<unknown>): void {
    for (const subscriber of this.subscribers.get(to) ?? []) subscriber.lost?.();
  }

  listeners(part: string): number {
    return [...this.subscribers].filter(([to]) => to.includes(part)).reduce((sum, [, all]) => sum + all.size, 0);
  }

  /** A session with one turn of a user's. */
  open(
    user_id: string,
    key: string = randomUUID(),
    place: { workspace_id?: string; session_id?: string } = {},
  ): FakeTurn {
    const workspace_id = place.workspace_id || `personal:${user_id}`;
    const session_id = place.session_id || uuidOf(`s${user_id}${key}`);
    const id = uuidOf(`t${user_id}${session_id}${key}`);
    const at = '2026-01-01T00:00:00.000Z';
    if (!this.sessions.has(session_id)) {
      this.sessions.set(session_id, {
        id: session_id,
        workspace_id,
        user_id,
        channel: 'channel/http',
        title: '',
        model: '',
        status: 'active',
        turns: 1,
        messages: 1,
        created_at: at,
        updated_at: at,
      });
    }
    const row: TurnRow = {
      id,
      session_id,
      workspace_id,
      user_id,
      message_id: key,
      message_ids: [key],
      status: 'queued',
      model: 'sigil/offline',
      reply_id: null,
      content: '',
      finish_reason: null,
      error: null,
      usage: NO_USAGE,
      tool_calls: [],
      created_at: at,
      started_at: null,
      ended_at: null,
    };
    const turn: FakeTurn = { row, said: [], first: 1 };
    this.turns.set(id, turn);
    return turn;
  }

  /** The turn says something; live listeners hear it as one batch. */
  say(turn: FakeTurn, ...events: readonly TurnEvent[]): void {
    const fresh: NumberedTurnEvent[] = [];
    for (const event of events) {
      const last = turn.said.at(-1)?.n ?? 0;
      const n = event.event === 'turn_restarted' && event.data.reason === 'resumed' ? last + 1_000 : last + 1;
      const numbered = { turn_id: turn.row.id, n, event };
      turn.said.push(numbered);
      fresh.push(numbered);
      this.settle(turn, event);
    }
    if (turn.row.status === 'queued') turn.row = { ...turn.row, status: 'running' };
    this.publish(topic(address('session', turn.row.session_id), TURNS_TOPIC), batchesOf(fresh));
    if (fresh.some(({ event }) => endsTurn(event))) {
      this.seq += 1;
      this.publish(topic(address('session', turn.row.session_id), ENDS_TOPIC), [
        { turn_id: turn.row.id, seq: this.seq },
      ]);
    }
  }

  /** A whole turn with one text. */
  play(turn: FakeTurn, text: string): void {
    const { id: turn_id, session_id, workspace_id, message_id, message_ids } = turn.row;
    const data = { turn_id, session_id, workspace_id, message_id, message_ids, model: 'sigil/offline', queued_ms: 0 };
    this.say(turn, { event: 'turn_started', data });
    for (const word of text.match(/\S+\s*/g) ?? []) this.say(turn, { event: 'text_delta', data: { text: word } });
    this.say(turn, { event: 'usage', data: NO_USAGE }, done(turn, text));
  }

  private settle(turn: FakeTurn, event: TurnEvent): void {
    if (event.event === 'done') {
      const { reply_id, content, finish_reason } = event.data;
      turn.row = { ...turn.row, status: 'finished', reply_id, content, finish_reason };
    } else if (event.event === 'error') {
      turn.row = { ...turn.row, status: 'failed', error: event.data };
    }
  }

  private receive(inbound: Inbound): Delivered {
    this.received.push(inbound);
    const { user_id } = inbound.sender;
    const key = inbound.message_id;
    const known = [...this.turns.values()].find(({ row }) => row.message_id === key && row.user_id === user_id);
    if (inbound.session_id !== '' && !this.sessions.has(inbound.session_id))
      throw new SigilError(failure('not_found', 'no such session'));
    const turn = known ?? this.open(user_id, key, inbound);
    if (known === undefined) setImmediate(() => this.script(turn));
    const { row } = turn;
    return {
      session_id: row.session_id,
      workspace_id: row.workspace_id,
      turn_id: row.id,
      message_id: key,
      status: row.status === 'finished' || row.status === 'failed' ? 'ended' : row.status,
      repeated: known !== undefined,
      seq: this.seq,
    };
  }

  private answer(to: Address, type: string, body: unknown): Answer<unknown> | undefined {
    try {
      const door =
        this.doors.get(`${to} ${type}`) ??
        this.doors.get(to) ??
        (to.startsWith('session/') ? (this.lane as Door) : undefined);
      if (door === undefined) return { ok: false, error: failure('not_found', `nobody at ${to}`) };
      const reply = door(body as never, type);
      return reply === undefined ? undefined : { ok: true, body: reply };
    } catch (thrown) {
      if (thrown instanceof SigilError) return { ok: false, error: thrown.failure };
      throw thrown;
    }
  }

  private readonly lane = (body: { turn_id: string; from: number; status?: string }, type: string): unknown => {
    const turn = this.turns.get(body.turn_id);
    if (type === 'session.change') return { seq: this.seq };
    if (turn === undefined) throw new SigilError(failure('not_found', 'no such turn'));
    const over = turn.row.status === 'finished' || turn.row.status === 'failed';
    if (type === 'session.cancel') return { status: over ? 'ended' : 'cancelling', seq: this.seq };
    const events = over ? [] : turn.said.filter(({ n }) => n > body.from && n >= turn.first);
    const status = over ? 'ended' : turn.row.status;
    return { turn_id: body.turn_id, status, events, first: over ? 1 : turn.first, seq: this.seq };
  };

  private query(
    query: ReadQuery,
    body: { turn_id: string; session_id: string; workspace_id: string; from: number },
  ): unknown {
    const turn = this.turns.get(body.turn_id);
    const session = this.sessions.get(body.session_id);
    switch (query) {
      case 'turn.get':
        return turn?.row ?? missing('turn');
      case 'turn.events': {
        if (turn === undefined) return missing('turn');
        const last = turn.said.at(-1);
        return {
          events: turn.said.filter(({ n }) => n > body.from),
          ended: last !== undefined && endsTurn(last.event),
        };
      }
      case 'turn.steps':
        return turn === undefined ? missing('turn') : { turn: turn.row, steps: [] };
      case 'session.get':
        return session ?? missing('session');
      case 'session.messages':
        return { items: [], next_cursor: null };
      case 'session.list':
        return {
          items: [...this.sessions.values()].filter(({ workspace_id }) => workspace_id === body.workspace_id),
          next_cursor: null,
        };
      case 'workspace.list':
        return {
          items: [...new Set([...this.sessions.values()].map((row) => row.workspace_id))].map((id) => ({ id })),
          next_cursor: null,
        };
      default:
        throw new Error(`${query} is not played here`);
    }
  }
}

function missing(what: string): never {
  throw new SigilError(failure('not_found', `There is no such ${what}.`));
}

export function done(turn: FakeTurn, content: string): TurnEvent {
  return {
    event: 'done',
    data: { turn_id: turn.row.id, reply_id: uuidOf(`r${turn.row.id}`), finish_reason: 'stop', content },
  };
}

/** A failure as an actor answers it. */
export function refused(code: ErrorCode, message = 'refused', more: Partial<BusFailure> = {}): SigilError {
  return new SigilError({ ...failure(code, message), ...more });
}

export function grant(token: string, user_id: string, permissions: readonly string[]): TokenGrant {
  return {
    id: token === `${user_id}-token` ? token : `${user_id}-${token}`,
    digest: createHash('sha256').update(token).digest('hex'),
    user_id,
    name: `${user_id}'s`,
    permissions,
  };
}

function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Only so that the map of protocols is held to what is played. */
export type Played = Extract<keyof SigilProtocols, Kind>;

/** Events as they are published: in batches without a gap in their numbers. */
function batchesOf(events: readonly NumberedTurnEvent[]): readonly TurnEventBatch[] {
  const batches: { turn_id: string; first: number; events: (TurnEvent | string)[] }[] = [];
  for (const { turn_id, n, event } of events) {
    const open = batches.at(-1);
    const compact = event.event === 'text_delta' ? event.data.text : event;
    if (open !== undefined && open.turn_id === turn_id && open.first + open.events.length === n)
      open.events.push(compact);
    else batches.push({ turn_id, first: n, events: [compact] });
  }
  return batches;
}
