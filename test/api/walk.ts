// SPDX-License-Identifier: Apache-2.0
// A walk through every operation of the API: each call is held against the document, and what was tried is written down.

import { match, strictEqual } from 'node:assert/strict';
import { openAiStatus } from '../../src/edge/openai/error-shape.ts';
import { refusedWith } from '../../src/edge/openapi.ts';
import { ERRORS, type ErrorCode } from '../../src/errors.ts';
import { type Client, parseEvents, type Reply, type ServerEvent, until } from '../edge/client.ts';
import { Listener } from '../flow/house.ts';
import { type Documented, documented, operationOf, wrongInAnswer, wrongInRequest } from './documented.ts';

/** What a call says besides what it is. */
export interface Ask {
  /** Whose; the owner's when not given, nobody's when null. */
  readonly token?: string | null;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly json?: unknown;
  /** A body that is no JSON. */
  readonly raw?: string | Buffer;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Where calls go. */
export interface Way {
  /** To the gateway itself. */
  readonly direct: Client;
  /** What stands before it and looks on, if anything does. */
  readonly through?: Client;
}

/** What every operation behind the guard may refuse with: it says little about this one. */
const COMMON: ReadonlySet<ErrorCode> = new Set(refusedWith(operationOf('status')));

/** Operations whose own refusal needs another gateway than the one that is walked through, and which. */
const ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['metrics', 'one with `telemetry.metrics: false`'],
  ['getConfig', 'one whose configuration cannot be looked at'],
]);

export class Walk {
  readonly owner: string;
  /** What did not fit the document. */
  readonly violations: string[] = [];
  /** Requests, wrong by intent, that whoever looks on found wrong too: he does look. */
  noticed = 0;
  readonly #way: Way;
  readonly #done = new Set<string>();
  readonly #refused = new Map<string, Set<ErrorCode>>();

  constructor(way: Way, owner: string) {
    this.#way = way;
    this.owner = owner;
  }

  /** Calls an operation with what is right; it succeeds, and request and answer are as documented. */
  async ok(id: string, ask: Ask = {}): Promise<Reply> {
    const operation = this.#operation(id);
    this.#note(operation, 'request', wrongInRequest(operation, asked(ask)));
    const reply = await this.#call(operation, ask);
    if (reply.status >= 300) throw new Error(`${id} was refused: ${reply.status} ${reply.text}`);
    this.#note(operation, 'answer', wrongInAnswer(operation, withEvents(reply)));
    this.#passed(reply, id, 'right');
    this.#done.add(id);
    return reply;
  }

  /** Calls an operation, which refuses with this code. A request that is wrong by intent is not held against the document. */
  async refused(id: string, code: ErrorCode, ask: Ask = {}): Promise<Reply> {
    const operation = this.#operation(id);
    const reply = await this.#call(operation, ask);
    const { openai } = operationOf(id);
    if (openai) strictEqual(reply.status, openAiStatus(code, ERRORS[code].status), `${id}: ${reply.text}`);
    else strictEqual(`${reply.status} ${reply.body?.code}`, `${ERRORS[code].status} ${code}`, `${id}: ${reply.text}`);
    this.#note(operation, 'refusal', wrongInAnswer(operation, reply));
    if (!refusedWith(operationOf(id)).includes(code)) this.#note(operation, 'refusal', [`${code} is not told of`]);
    if (openai) match(reply.body.error.message, /\S/);
    else {
      strictEqual(reply.headers['content-type'], 'application/problem+json');
      match(reply.body.type, /^urn:sigil:error:/);
    }
    this.#passed(reply, id, 'wrong');
    const codes = this.#refused.get(id) ?? new Set();
    this.#refused.set(id, codes.add(code));
    return reply;
  }

  /** Calls an operation whose answer is another's, of this status. */
  async answers(id: string, status: number, ask: Ask): Promise<Reply> {
    const operation = this.#operation(id);
    const reply = await this.#call(operation, ask);
    strictEqual(reply.status, status, `${id}: ${reply.text}`);
    this.#note(operation, 'answer', wrongInAnswer(operation, reply));
    this.#passed(reply, id, 'right');
    return reply;
  }

  /** Opens a stream that has no end of its own, straight at the gateway; `close` leaves it and looks at what came. */
  async open(id: string, ask: Ask = {}): Promise<{ readonly events: Listener; readonly close: () => void }> {
    const operation = this.#operation(id);
    this.#note(operation, 'request', wrongInRequest(operation, asked(ask)));
    const response = await this.#way.direct.open(operation.method, pathOf(operation, ask), this.#sent(ask));
    const events = new Listener(response);
    strictEqual(events.status, 200, id);
    return {
      events,
      close: () => {
        events.leave();
        this.#note(
          operation,
          'stream',
          wrongInAnswer(operation, { status: events.status, headers: response.headers, events: events.events }),
        );
        this.#done.add(id);
      },
    };
  }

  /** Reads all pages of a list, a few items at a time; none comes twice, none is missing. */
  async pages(id: string, ask: Ask = {}, limit = 1): Promise<readonly unknown[]> {
    const whole = (await this.ok(id, { ...ask, query: { ...ask.query, limit: 200 } })).body.items as unknown[];
    const items: unknown[] = [];
    let cursor: string | null = null;
    do {
      const query = { ...ask.query, limit, ...(cursor === null ? {} : { cursor }) };
      const { body } = await this.ok(id, { ...ask, query });
      items.push(...body.items);
      cursor = body.next_cursor;
    } while (cursor !== null && items.length < 200);
    strictEqual(items.length, whole.length, `${id}: as many by pages as in one`);
    strictEqual(new Set(items.map((item) => JSON.stringify(item))).size, items.length, `${id}: an item comes twice`);
    for (const [name, value] of [
      ['limit', '0'],
      ['limit', '201'],
      ['limit', 'x'],
    ] as const)
      await this.refused(id, 'validation_failed', { ...ask, query: { ...ask.query, [name]: value } });
    await this.refused(id, 'validation_failed', { ...ask, query: { ...ask.query, cursor: 'no cursor' } });
    return items;
  }

  /** Asks until something holds. */
  async until(id: string, ask: Ask, holds: (reply: Reply) => boolean): Promise<void> {
    await until(async () => holds(await this.ok(id, ask)));
  }

  /** What the walk has not seen: an operation without a success, or without a refusal that is its own. */
  gaps(): readonly string[] {
    return [...documented.keys()].flatMap((id) => {
      const codes = [...(this.#refused.get(id) ?? [])];
      const own =
        operationOf(id).open !== true &&
        !ELSEWHERE.has(id) &&
        refusedWith(operationOf(id)).some((code) => !COMMON.has(code));
      return [
        ...(this.#done.has(id) ? [] : [`${id} was never called with success`]),
        ...(codes.length === 0 ? [`${id} was never refused`] : []),
        ...(own && codes.length > 0 && codes.every((code) => COMMON.has(code))
          ? [`${id} was only refused as everything is (${codes.join(', ')})`]
          : []),
      ];
    });
  }

  get counts(): { readonly operations: number; readonly refusals: number } {
    return {
      operations: this.#done.size,
      refusals: [...this.#refused.values()].reduce((sum, codes) => sum + codes.size, 0),
    };
  }

  #operation(id: string): Documented {
    const found = documented.get(id);
    if (found === undefined) throw new Error(`the document has no operation ${id}`);
    return found;
  }

  #sent({ token, json, raw, type, headers = {} }: Ask) {
    return {
      token: token === undefined ? this.owner : token,
      ...(json === undefined ? {} : { json }),
      ...(raw === undefined ? {} : { raw }),
      headers: { ...(type === undefined ? {} : { 'Content-Type': type }), ...headers },
    };
  }

  #call(operation: Documented, ask: Ask): Promise<Reply> {
    // A name of another host is for the gateway; what stands before it has one of its own.
    const client = ask.headers?.['Host'] === undefined ? (this.#way.through ?? this.#way.direct) : this.#way.direct;
    return client.call(operation.method, pathOf(operation, ask), this.#sent(ask));
  }

  #note({ operationId }: Documented, what: string, problems: readonly string[]): void {
    for (const problem of problems) this.violations.push(`${operationId}: ${what}: ${problem}`);
  }

  /** A proxy that validates says in a header what it did not like. */
  #passed({ headers }: Reply, id: string, meant: 'right' | 'wrong'): void {
    const said = headers['sl-violations'];
    if (typeof said !== 'string') return;
    if (meant === 'wrong') this.noticed += 1;
    for (const violation of JSON.parse(said) as { readonly location: readonly string[]; readonly message: string }[])
      if (meant === 'right' || violation.location[0] === 'response')
        this.violations.push(`${id}: proxy: ${violation.location.join('.')} ${violation.message}`);
  }
}

const asked = ({ params = {}, query = {}, json, raw, type }: Ask) => {
  const of = type ?? (json === undefined ? undefined : 'application/json');
  return {
    params,
    query,
    body: json,
    ...(of === undefined || (json === undefined && raw === undefined) ? {} : { type: of }),
  };
};

function pathOf({ path }: Documented, { params = {}, query = {} }: Ask): string {
  const filled = path.replace(/\{([a-z_]+)\}/g, (_whole, name: string) => encodeURIComponent(params[name] ?? '-'));
  const search = new URLSearchParams(
    Object.entries(query).map(([name, value]): [string, string] => [name, String(value)]),
  ).toString();
  return search === '' ? filled : `${filled}?${search}`;
}

function withEvents(reply: Reply): Reply & { readonly events?: readonly ServerEvent[] } {
  if (reply.headers['content-type']?.startsWith('text/event-stream') !== true) return reply;
  // OpenAI's events have no names, and a last one that is no JSON.
  if (reply.text.startsWith('data: ')) {
    const frames = reply.text.trimEnd().split('\n\n');
    strictEqual(frames.pop(), 'data: [DONE]');
    return { ...reply, events: frames.map((text) => ({ event: 'message', data: JSON.parse(text.slice(6)) })) };
  }
  return { ...reply, events: parseEvents(reply.text) };
}

/** The events of an answer that was a stream. */
export function eventsOf(reply: Reply): readonly ServerEvent[] {
  return parseEvents(reply.text);
}
