// SPDX-License-Identifier: Apache-2.0
// A homeserver of ours: of the client-server API what one account needs, with one stream of everything that happens.

import { type Asked, HttpStandIn, type Told } from '../http-stand-in.ts';

export const AGENT = '@sigil:local';
export const TOKEN = 'syt_c2lnaWw_thetokenofthetests_0AbCdE';

export interface HomeEvent {
  readonly position: number;
  readonly roomId: string;
  readonly event_id: string;
  readonly type: string;
  readonly sender: string;
  readonly origin_server_ts: number;
  // biome-ignore lint/suspicious/noExplicitAny: what a test looks into is what it is about.
  readonly content: any;
  readonly state_key?: string;
}

interface Filter {
  readonly room: { readonly timeline: { readonly limit: number; readonly types: readonly string[] } };
}

const error = (status: number, errcode: string, more: object = {}): Told => ({
  status,
  body: { errcode, error: `${errcode} it is`, ...more },
});

export class Homeserver {
  readonly stream: HomeEvent[] = [];
  /** Who is in each room, by id, with the name they show. */
  readonly rooms = new Map<string, Map<string, string>>();
  readonly invited = new Map<string, number>();
  readonly media = new Map<string, { readonly type: string; readonly name: string; readonly data: Buffer }>();
  readonly accountData = new Map<string, unknown>();
  readonly typing: string[] = [];
  /** What the next requests to a path with this in it are answered with, in turn. */
  readonly answers: [part: string, told: Told][] = [];
  /** Requests by method and path. */
  readonly asked: string[] = [];
  /** Whether it knows the media API that asks for a token. */
  authenticatedMedia = true;
  readonly #transactions = new Map<string, string>();
  readonly #waiting = new Set<() => void>();
  #server: HttpStandIn | null = null;
  #position = 0;

  static async open(): Promise<Homeserver> {
    const home = new Homeserver();
    home.#server = await HttpStandIn.open((asked) => home.#answer(asked));
    return home;
  }

  get server(): HttpStandIn {
    if (this.#server === null) throw new Error('it is not open');
    return this.#server;
  }

  /** A room with these people, and the agent among them unless it is to be invited. */
  room(roomId: string, people: readonly string[], { invite = false } = {}): void {
    const members = new Map(people.map((name) => [`@${name}:local`, name.replace(/^./, (one) => one.toUpperCase())]));
    this.rooms.set(roomId, members);
    const [creator = ''] = members.keys();
    this.append(roomId, creator, 'm.room.member', { membership: 'invite' }, { state_key: AGENT });
    if (!invite) {
      this.#joined(roomId);
      return;
    }
    this.invited.set(roomId, this.#position);
  }

  append(
    roomId: string,
    sender: string,
    type: string,
    content: object,
    more: { readonly event_id?: string; readonly state_key?: string } = {},
  ): string {
    this.#position += 1;
    const event_id = more.event_id ?? `$event-${this.#position}`;
    const { state_key } = more;
    this.stream.push({
      position: this.#position,
      roomId,
      event_id,
      type,
      sender,
      origin_server_ts: Date.now(),
      content,
      ...(state_key === undefined ? {} : { state_key }),
    });
    for (const wake of [...this.#waiting]) wake();
    return event_id;
  }

  async close(): Promise<void> {
    for (const wake of [...this.#waiting]) wake();
    await this.server.close();
  }

  #joined(roomId: string): void {
    this.rooms.get(roomId)?.set(AGENT, 'Sigil');
    this.invited.delete(roomId);
    this.append(roomId, AGENT, 'm.room.member', { membership: 'join' }, { state_key: AGENT });
  }

  async #answer(asked: Asked): Promise<Told> {
    const { method, path, query, headers } = asked;
    this.asked.push(`${method} ${path}`);
    if (headers.authorization !== `Bearer ${TOKEN}`) return error(401, 'M_UNKNOWN_TOKEN', { soft_logout: false });
    const told = this.answers.findIndex(([part]) => path.includes(part));
    if (told >= 0) return this.answers.splice(told, 1)[0]?.[1] ?? error(500, 'M_UNKNOWN');
    const parts = path.split('/').slice(1).map(decodeURIComponent);
    const [, , version, ...rest] = parts;
    if (path.startsWith('/_matrix/client/v3/')) return this.#client(method, rest, query, asked);
    const body = (): unknown => JSON.parse(asked.body.toString());
    if (path === '/_matrix/media/v3/upload') {
      const id = `file${this.media.size}`;
      const type = headers['content-type'] ?? '';
      this.media.set(id, { type, name: query.get('filename') ?? '', data: asked.body });
      return { status: 200, body: { content_uri: `mxc://local/${id}` } };
    }
    const download = this.authenticatedMedia
      ? parts.slice(0, 5).join('/') === '_matrix/client/v1/media/download'
      : path.startsWith('/_matrix/media/v3/download/');
    const file = download ? this.media.get(parts.at(-1) ?? '') : undefined;
    if (file !== undefined) return { status: 200, headers: { 'Content-Type': file.type }, body: file.data };
    return download
      ? error(404, 'M_NOT_FOUND')
      : error(404, 'M_UNRECOGNIZED', { version, body: method === 'GET' ? null : body() });
  }

  async #client(method: string, path: readonly string[], query: URLSearchParams, asked: Asked): Promise<Told> {
    const [first = '', second = '', third = '', fourth = '', fifth = ''] = path;
    const body = () => JSON.parse(asked.body.toString());
    switch (`${method} ${first}`) {
      case 'GET account':
        return { status: 200, body: { user_id: AGENT, device_id: 'DEV' } };
      case 'GET profile': {
        const name = second === AGENT ? 'Sigil' : [...this.rooms.values()].map((all) => all.get(second)).find(Boolean);
        return name === undefined ? error(404, 'M_NOT_FOUND') : { status: 200, body: { displayname: name } };
      }
      case 'GET user':
      case 'PUT user': {
        if (second !== AGENT || third !== 'account_data') return error(403, 'M_FORBIDDEN');
        if (method === 'PUT') this.accountData.set(fourth, body());
        const found = this.accountData.get(fourth);
        return found === undefined ? error(404, 'M_NOT_FOUND') : { status: 200, body: method === 'PUT' ? {} : found };
      }
      case 'POST join': {
        if (this.rooms.get(second)?.has(AGENT)) return { status: 200, body: { room_id: second } };
        if (!this.invited.has(second)) return error(403, 'M_FORBIDDEN');
        this.#joined(second);
        return { status: 200, body: { room_id: second } };
      }
      case 'GET sync':
        return this.#sync(query, asked.closed);
    }
    const members = this.rooms.get(second);
    if (first !== 'rooms' || members?.has(AGENT) !== true) return error(403, 'M_FORBIDDEN');
    if (third === 'joined_members') {
      const joined = [...members].map(([id, display_name]) => [id, { display_name }]);
      return { status: 200, body: { joined: Object.fromEntries(joined) } };
    }
    if (third === 'messages') return this.#messages(second, query);
    if (third === 'typing') {
      this.typing.push(second);
      return { status: 200, body: {} };
    }
    if (third === 'send' && method === 'PUT') {
      const key = `${second} ${fifth}`;
      if (asked.body.length > 65_536) return error(413, 'M_TOO_LARGE');
      const event_id = this.#transactions.get(key) ?? this.append(second, AGENT, fourth, body());
      this.#transactions.set(key, event_id);
      return { status: 200, body: { event_id } };
    }
    return error(404, 'M_UNRECOGNIZED');
  }

  /** Tokens of a sync are `s` and a position. */
  async #sync(query: URLSearchParams, closed: AbortSignal): Promise<Told> {
    const filter: Filter = JSON.parse(query.get('filter') ?? '{}');
    const since = query.get('since');
    if (since !== null && !/^s\d+$/.test(since)) return error(400, 'M_UNKNOWN');
    const from = since === null ? 0 : Number(since.slice(1));
    const until = performance.now() + Number(query.get('timeout') ?? 0);
    for (;;) {
      const body = this.#since(from, filter, since === null);
      const left = until - performance.now();
      const empty = Object.keys(body.rooms.join).length + Object.keys(body.rooms.invite).length === 0;
      if (!empty || left <= 0 || closed.aborted) return { status: 200, body };
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          closed.removeEventListener('abort', wake);
          resolve();
        };
        const timer = setTimeout(wake, left);
        this.#waiting.add(wake);
        closed.addEventListener('abort', wake);
      });
    }
  }

  #since(from: number, { room: { timeline } }: Filter, initial: boolean) {
    const join: Record<string, object> = {};
    const news = Map.groupBy(
      this.stream.filter(({ position, type }) => position > from && timeline.types.includes(type)),
      ({ roomId }) => roomId,
    );
    for (const [roomId, events] of news) {
      if (this.rooms.get(roomId)?.has(AGENT) !== true) continue;
      // Who has only now joined is shown the room as it is, from before they came.
      const now = events.some(({ state_key, content }) => state_key === AGENT && content.membership === 'join');
      const all = now
        ? this.stream.filter((one) => one.roomId === roomId && timeline.types.includes(one.type))
        : events;
      const newest = all.slice(-timeline.limit);
      const prev_batch = `t${(newest[0]?.position ?? 1) - 1}`;
      join[roomId] = { timeline: { events: newest.map(shown), limited: newest.length < all.length, prev_batch } };
    }
    const invites = [...this.invited].filter(([, position]) => initial || position > from);
    const invite = Object.fromEntries(invites.map(([roomId]) => [roomId, { invite_state: { events: [] } }]));
    return { next_batch: `s${this.#position}`, rooms: { join, invite, leave: {} } };
  }

  #messages(roomId: string, query: URLSearchParams): Told {
    const from = Number((query.get('from') ?? '').slice(1));
    const to = Number((query.get('to') ?? 's0').slice(1));
    const limit = Number(query.get('limit') ?? 10);
    const before = this.stream.filter((one) => one.roomId === roomId && one.position <= from && one.position > to);
    const chunk = before.slice(-limit).reverse();
    const last = chunk.at(-1);
    const end = last === undefined || chunk.length === before.length ? {} : { end: `t${last.position - 1}` };
    return { status: 200, body: { chunk: chunk.map(shown), start: query.get('from'), ...end } };
  }
}

function shown({ position: _, roomId: __, ...event }: HomeEvent): object {
  return event;
}
