// SPDX-License-Identifier: Apache-2.0
// A gateway for tests: the HTTP contract as far as the command line uses it, its answers chosen by the words of the message.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A turn as the fake remembers it. */
interface Turn {
  readonly id: string;
  readonly messageId: string;
  readonly sessionId: string;
  readonly content: string;
  /** Frames by number, from 1. */
  readonly frames: { readonly event: string; readonly data: Record<string, unknown> }[];
  readonly readers: Set<ServerResponse>;
  ended: boolean;
}

export interface FakeOptions {
  readonly token?: string;
  /** Text with which every answer begins, to tell one gateway from another. */
  readonly name?: string;
}

const ESC = '\u001b';
/** What a hostile model says. */
export const HOSTILE = `${ESC}]0;owned\u0007${ESC}[2Jred\u009b31m`;

const USAGE = { input_tokens: 3, output_tokens: 2, cache_read_tokens: 0, cache_write_tokens: 0, cost_usd: 0 };

export class FakeGateway {
  readonly requests: {
    method: string;
    path: string;
    headers: IncomingMessage['headers'];
    body: Record<string, unknown>;
  }[] = [];
  readonly turns = new Map<string, Turn>();
  readonly #options: FakeOptions;
  readonly #server: Server;
  readonly #refusals = new Map<string, number>();
  #watchers = 0;

  constructor(options: FakeOptions = {}) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      void this.#answer(request, response);
    });
  }

  /** Listens on a unix socket, or on a free port. */
  async listen(socket?: string): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      if (socket === undefined) this.#server.listen(0, '127.0.0.1', resolve);
      else this.#server.listen(socket, resolve);
    });
    return socket ?? `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Goes away as a process that dies does: open connections break. */
  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let raw = '';
    for await (const chunk of request) raw += String(chunk);
    const body = (raw === '' ? {} : JSON.parse(raw)) as Record<string, unknown>;
    const url = new URL(request.url ?? '/', 'http://localhost');
    const method = request.method ?? '';
    this.requests.push({ method, path: url.pathname, headers: request.headers, body });
    if (url.pathname === '/health') return json(response, 200, { status: 'ok' });
    const { token } = this.#options;
    if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) {
      return problem(response, 401, 'unauthenticated', 'A token is needed.');
    }
    if (method === 'POST' && url.pathname.startsWith('/api/v1/chat')) return this.#chat(url.pathname, body, response);
    const turn = /^\/api\/v1\/turns\/([^/]+)\/(stream|cancel)$/.exec(url.pathname);
    if (turn !== null) return this.#turn(turn[1] ?? '', turn[2] ?? '', request, response);
    const approval = /^\/api\/v1\/approvals\/([^/]+)$/.exec(url.pathname);
    if (method === 'POST' && approval !== null) return this.#decide(approval[1] ?? '', body, response);
    if (url.pathname === '/api/v1/logs/stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const lines = [LOG_LINES[1], LOG_LINES[0]].map((line) => `event: line\ndata: ${JSON.stringify(line)}\n\n`);
      return void response.end(`${lines.join('')}event: listening\ndata: {}\n\n`);
    }
    if (url.pathname === '/debug/actors/stream') return this.#trace(url, response);
    const document = DOCUMENTS[url.pathname];
    if (document === undefined) return problem(response, 404, 'not_found', `There is nothing at ${url.pathname}.`);
    json(response, 200, document(url));
  }

  #chat(path: string, body: Record<string, unknown>, response: ServerResponse): void {
    const content = String(body['content']);
    if (content.includes('refuse')) return problem(response, 422, 'input_blocked', 'The scanner refused the message.');
    const refused = this.#refusals.get(content) ?? 0;
    if (content.includes('busy') && refused < 2) {
      this.#refusals.set(content, refused + 1);
      return problem(response, 503, 'overloaded', 'Too much to do.', { 'retry-after': '0' });
    }
    const turn = this.#begin(body, content);
    if (path.endsWith('/stream')) return this.#stream(turn, 0, response);
    const done = turn.frames.at(-1)?.data ?? {};
    if (content.includes('fail')) return problem(response, 502, 'provider_error', 'The model failed.');
    json(response, 200, {
      session_id: turn.sessionId,
      turn_id: turn.id,
      message_id: turn.messageId,
      reply_id: 'r',
      content: done['content'],
      model: 'fake/model',
      usage: USAGE,
      tool_calls: [],
      finish_reason: 'stop',
    });
  }

  #begin(body: Record<string, unknown>, content: string): Turn {
    const messageId = String(body['message_id']);
    const known = this.turns.get(messageId);
    if (known !== undefined) return known;
    const count = this.turns.size + 1;
    const sessionId = String(body['session_id'] ?? `session-${count}`);
    const turn: Turn = {
      id: `turn-${messageId}`,
      messageId,
      sessionId,
      content,
      frames: [],
      readers: new Set(),
      ended: false,
    };
    this.turns.set(messageId, turn);
    const model = String(body['model'] ?? 'fake/model');
    const started = {
      turn_id: turn.id,
      session_id: sessionId,
      workspace_id: 'home',
      message_id: messageId,
      model,
      queued_ms: 0,
    };
    turn.frames.push({ event: 'turn_started', data: started });
    const say = (text: string) => turn.frames.push({ event: 'text_delta', data: { text } });
    const reply = content.includes('hostile') ? HOSTILE : `${this.#options.name ?? ''}you said: ${content}`;
    if (content.includes('tool')) {
      turn.frames.push({ event: 'tool_call', data: { id: 'c', name: 'clock', arguments: '{"zone":"UTC"}' } });
      turn.frames.push({
        event: 'tool_result',
        data: { id: 'c', name: 'clock', content: '12:00', is_error: false, truncated: false },
      });
    }
    if (content.includes('fail')) {
      say('some');
      turn.frames.push({ event: 'error', data: { code: 'provider_error', message: 'The model failed.' } });
      turn.ended = true;
      return turn;
    }
    if (content.includes('ask me')) {
      const asked = { id: APPROVAL, call_id: 'call-1', tool: 'forget', arguments: '{"all":true}' };
      turn.frames.push({ event: 'tool_call', data: { id: 'call-1', name: 'forget', arguments: '{"all":true}' } });
      turn.frames.push({ event: 'approval_requested', data: { ...asked, reason: 'for good', expires_at: NOW } });
      return turn;
    }
    const middle = Math.ceil(reply.length / 2);
    say(reply.slice(0, middle));
    if (content.includes('slow')) return turn;
    say(reply.slice(middle));
    this.#finish(turn, reply, 'stop');
    return turn;
  }

  #finish(turn: Turn, content: string, reason: string): void {
    turn.frames.push({ event: 'usage', data: USAGE });
    turn.frames.push({ event: 'done', data: { turn_id: turn.id, reply_id: 'r', finish_reason: reason, content } });
    turn.ended = true;
    for (const reader of turn.readers) {
      this.#write(turn, turn.frames.length - 2, reader);
      reader.end();
    }
    turn.readers.clear();
  }

  #stream(turn: Turn, from: number, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': hello\n\n');
    if (turn.content.includes('break') && from === 0) {
      // Started and half of the text, then nothing: as when a proxy gives up.
      this.#write(turn, 0, response, 2);
      setTimeout(() => response.destroy(), 20);
      return;
    }
    this.#write(turn, from, response);
    if (turn.ended) response.end();
    else turn.readers.add(response);
  }

  #write(turn: Turn, from: number, response: ServerResponse, to = turn.frames.length): void {
    for (const [index, { event, data }] of turn.frames.entries()) {
      if (index < from || index >= to) continue;
      response.write(`id: ${turn.id}:${index + 1}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    }
  }

  #turn(id: string, what: string, request: IncomingMessage, response: ServerResponse): void {
    const turn = [...this.turns.values()].find((one) => one.id === id);
    if (turn === undefined) return problem(response, 404, 'not_found', 'There is no such turn.');
    if (what === 'cancel') {
      if (!turn.ended) this.#finish(turn, String(turn.frames[1]?.data['text'] ?? ''), 'cancelled');
      return json(response, 200, { status: 'cancelling' });
    }
    const from = Number(
      String(request.headers['last-event-id'] ?? ':0')
        .split(':')
        .at(-1),
    );
    this.#stream(turn, from, response);
  }

  /** Tells what became of a call that waited, and ends its turn. */
  #decide(id: string, { decision }: Record<string, unknown>, response: ServerResponse): void {
    const turn = [...this.turns.values()].find(
      ({ frames, ended }) => !ended && frames.some(({ data }) => data['id'] === id),
    );
    if (turn === undefined) return problem(response, 404, 'not_found', 'There is no such request.');
    json(response, 200, { id, tool: 'forget', arguments: '{"all":true}', decision });
    const text = decision === 'approve' ? 'forgotten' : 'tool_denied: no';
    const result = { id: 'call-1', name: 'forget', content: text, is_error: decision === 'deny', truncated: false };
    turn.frames.push({ event: 'tool_result', data: result }, { event: 'text_delta', data: { text } });
    for (const reader of turn.readers) this.#write(turn, turn.frames.length - 2, reader);
    this.#finish(turn, text, 'stop');
  }

  #trace(url: URL, response: ServerResponse): void {
    this.#watchers += 1;
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const address = url.searchParams.get('address') ?? 'session/one';
    const step = {
      at: '2026-01-01T00:00:00.000Z',
      address,
      event: `step.${this.#watchers}`,
      from_state: 'idle',
      to_state: { turn: 'calling_model' },
    };
    response.write(`data: ${JSON.stringify(step)}\n\n`);
    response.end(`data: ${JSON.stringify({ dropped: 7 })}\n\n`);
  }
}

function json(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

function problem(
  response: ServerResponse,
  status: number,
  code: string,
  detail: string,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/problem+json', ...headers });
  response.end(JSON.stringify({ type: `urn:sigil:error:${code}`, title: code, status, detail, code }));
}

/** The id of the one request for approval there is. */
export const APPROVAL = '0198b2c4-0000-7000-8000-000000000001';

/** Longer than a line of a terminal. */
const SHUT =
  'shut refused its key. `sigil secret set shut/api-key` keeps another, and it is taken up without a restart.';
const NOW = new Date().toISOString();

const actor = (address: string, parent: string | null, thread: string, state: unknown) => ({
  address,
  kind: address.split('/')[0],
  id: address.split('/')[1],
  parent,
  thread,
  state,
  since: NOW,
  uptime_s: 5,
  mailbox: { depth: 1, capacity: 1024, oldest_ms: 3 },
  processed: 9,
  failed: 0,
  restarts: 0,
  last_event: { type: 'turn.start', at: NOW },
  asleep: false,
});

function countsOf(actors: readonly { readonly kind: string | undefined }[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { kind = '' } of actors) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

const ACTORS = [
  actor('gateway/root', null, 'main', 'running'),
  actor('workspace/home', 'gateway/root', 'lane-1', 'idle'),
  actor('session/one', 'workspace/home', 'lane-1', { turn: 'calling_model' }),
];

const session = (id: string, workspace: string, at: string) => ({
  id,
  workspace_id: workspace,
  user_id: 'owner',
  channel: 'channel/http',
  title: `about ${HOSTILE} 日本`,
  model: '',
  status: 'active',
  turns: 1,
  messages: 2,
  created_at: at,
  updated_at: at,
});

const message = (id: string, role: string, content: string) => ({
  id,
  turn_id: 't',
  role,
  content,
  origin: 'user_input',
  created_at: NOW,
});

/** Answers that depend on nothing but the URL. */
const LOG_LINES = [
  {
    ...{
      id: 'life:2',
      at: '2026-01-01T00:00:01.000Z',
      level: 'error',
      message: `it failed ${HOSTILE}`,
      thread: 'lane-1',
    },
    ...{ request_id: 'r-1', turn_id: 't-1', session_id: 's-1', workspace_id: null, trace_id: null },
    fields: { took_ms: 12, error: { code: 'internal' } },
  },
  {
    ...{ id: 'life:1', at: '2026-01-01T00:00:00.000Z', level: 'info', message: 'the gateway runs', thread: 'main' },
    ...{ request_id: null, turn_id: null, session_id: null, workspace_id: null, trace_id: null },
    fields: {},
  },
];

const DOCUMENTS: Record<string, (url: URL) => unknown> = {
  // What was asked for is seen in what comes back.
  '/api/v1/logs': ({ searchParams }) => ({
    items: searchParams.get('session') === 'none' ? [] : LOG_LINES.slice(0, Number(searchParams.get('limit'))),
    next_cursor: null,
  }),
  '/api/v1/status': () => ({
    state: 'running',
    version: '0.1.0',
    commit: 'abcdef0123456789',
    started_at: NOW,
    uptime_s: 3725,
    threads: [
      {
        name: 'lane-1',
        state: 'up',
        role: 'lane',
        actors: 2,
        utilisation: 0.25,
        loop_delay_ms: { p50: 1, p99: 2 },
        heap_bytes: 9e6,
      },
    ],
    actors: { total: 3, by_kind: { session: 1, workspace: 1, gateway: 1 } },
    channels: [{ name: 'http', type: 'http', state: 'running', received: 4, refused: 0 }],
    providers: [
      {
        ...{
          name: 'fake',
          state: 'closed',
          available: true,
          message: 'ready',
          calls: 2,
          failures: 0,
          last_error: null,
        },
        ...{ waiting: 7, waits_for: 'requests_per_minute' },
        models: [
          {
            model: 'big',
            state: 'open',
            retry_at: '2999-01-01T00:00:00.000Z',
            last_error: { code: 'provider_overloaded', message: 'It has too much to do.', at: NOW },
          },
        ],
      },
      {
        ...{
          name: 'shut',
          state: 'half_open',
          available: false,
          message: SHUT,
          calls: 1,
          failures: 1,
        },
        ...{ retry_at: '2001-01-01T00:00:00.000Z', models: [] },
      },
    ],
    budgets: [
      {
        scope: 'global',
        limits: { hour: { tokens: 0, cost_usd: 5 }, day: { tokens: 0, cost_usd: 50 } },
        used: { hour: { tokens: 12, cost_usd: 0.5 }, day: { tokens: 12, cost_usd: 0.5 } },
      },
    ],
    quarantined: [
      { what: 'channels.telegram', code: 'validation_failed', message: 'It has no token.', advice: 'Set one.' },
    ],
  }),
  '/debug/actors': (url) => {
    const kind = url.searchParams.get('kind');
    const items = ACTORS.filter((one) => kind === null || one.kind === kind);
    // Two pages, so that whoever reads only the first is found out.
    const second = url.searchParams.get('cursor') !== null;
    const page = items.length < 2 ? items : second ? items.slice(1) : items.slice(0, 1);
    return {
      items: page,
      next_cursor: items.length < 2 || second ? null : 'more',
      totals: { actors: ACTORS.length, by_kind: countsOf(ACTORS), by_thread: {}, by_state: {} },
    };
  },
  '/debug/actors/session/one': () => ({
    ...ACTORS[2],
    context: { note: HOSTILE },
    children: ['tool/clock'],
    recent: [{ at: NOW, event: 'turn.start', from_state: 'idle', to_state: { turn: 'calling_model' }, took_us: 18 }],
    machine: null,
  }),
  '/api/v1/memory/search': (url) => {
    const second = url.searchParams.get('cursor') !== null;
    const text = second ? `…${HOSTILE} tea\nhere` : `I like tea, ${url.searchParams.get('match')}`;
    const mark = [text.indexOf('tea'), text.indexOf('tea') + 3];
    const item = { ...message(second ? 'm2' : 'm1', 'user', ''), session_id: 'old', snippet: { text, marks: [mark] } };
    return { items: [item], next_cursor: second ? null : 'more' };
  },
  '/api/v1/memory/recall': (url) => ({
    messages: [
      {
        ...message('m1', 'user', ''),
        session_id: 'old',
        snippet: { text: `${url.searchParams.get('q')}?`, marks: [[0, 3]] },
      },
    ],
    facts: [{ entity_id: 'e1', entity_name: 'tea', predicate: 'is', value: `oolong ${HOSTILE}` }],
    entities: [{ id: 'e1', name: 'tea', type: 'drink' }],
    similar: [
      { source: 'message', id: 'm9', session_id: 'old', text: `a cup ${HOSTILE}`, score: 0.5, created_at: NOW },
    ],
    summaries: [
      { session_id: 'old', from: NOW, to: NOW, content: '', snippet: { text: `${HOSTILE} all about tea`, marks: [] } },
    ],
  }),
  '/api/v1/workspaces': () => ({ items: [{ id: 'home' }, { id: 'work' }], next_cursor: null }),
  '/api/v1/workspaces/home/sessions': () => ({
    items: [session('old', 'home', '2026-01-01T00:00:00.000Z')],
    next_cursor: null,
  }),
  '/api/v1/workspaces/work/sessions': () => ({ items: [session('new', 'work', NOW)], next_cursor: null }),
  '/api/v1/memory/facts': (url) => ({
    items: [
      {
        entity_id: 'e1',
        entity_name: `tea ${HOSTILE}`,
        predicate: 'is',
        value: 'oolong',
        user_id: 'ada',
        created_at: NOW,
      },
      {
        entity_id: 'e2',
        entity_name: null,
        predicate: 'of',
        value: url.searchParams.get('workspace'),
        created_at: NOW,
      },
    ],
    next_cursor: null,
  }),
  '/api/v1/memory/entities': (url) => ({
    items: ['Ada', `Adam ${HOSTILE}`]
      .filter((name) => name.startsWith(url.searchParams.get('prefix') ?? ''))
      .map((name, n) => ({
        id: `e${n}`,
        type: 'person',
        name,
        properties: { born: 1815, title: HOSTILE },
        created_at: NOW,
      })),
    next_cursor: null,
  }),
  '/api/v1/memory/graph': (url) => ({
    entities: [
      { id: url.searchParams.get('entity'), type: 'person', name: 'Ada', properties: { born: 1815 } },
      { id: 'e2', type: 'person', name: `Bob ${HOSTILE}`, properties: {} },
    ],
    relationships: [{ id: 'r', from_id: 'e1', to_id: 'e2', type: 'knows', metadata: {} }],
    truncated: url.searchParams.get('depth') === '8',
  }),
  '/api/v1/sessions/old': () => session('old', 'home', NOW),
  '/api/v1/sessions/old/messages': (url) =>
    url.searchParams.get('cursor') === null
      ? { items: [message('m1', 'user', 'What time is it?')], next_cursor: 'more' }
      : { items: [message('m2', 'assistant', `Noon. ${HOSTILE}`)], next_cursor: null },
};
