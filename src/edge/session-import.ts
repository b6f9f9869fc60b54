// SPDX-License-Identifier: Apache-2.0
// An exported session taken in: under its own id when that is free, else under one that the same file always leads to.

import { address } from '../bus/address.ts';
import { SigilError } from '../errors.ts';
import { type ExportedTurn, type ImportedTurn, recordsOf } from '../stores/imported-turn.ts';
import { checkWorkspace, FRESH, seesAll } from './access.ts';
import { ask, lostOnTheWay, Patience } from './ask.ts';
import type { Caller } from './exchange.ts';
import type { EdgePorts } from './ports.ts';
import { Refusal } from './problem.ts';
import { type ExportedPart, partsOf, type SessionHead } from './session-lines.ts';

const { createHash } = process.getBuiltinModule('node:crypto');

/** Turns that become durable together, and their text in UTF-16 units. */
const PART = { turns: 64, length: 1024 * 1024 } as const;
const IMPORT_MS = 30_000;

export interface ImportResult {
  readonly session_id: string;
  readonly workspace_id: string;
  /** Turns in the file. */
  readonly turns: number;
  /** Those of them the session did not have. */
  readonly imported: number;
  readonly seq: number;
}

export interface ImportOptions {
  readonly caller: Caller;
  /** Another workspace than the one in the file. */
  readonly workspace_id: string | undefined;
  readonly channel: string;
  readonly requestId: string;
}

/**
 * Takes a session in, part by part. Repeated, it finds what it made before and adds what is missing: turns get ids that
 * follow from the session's and from the ones they had.
 *
 * @throws Refusal `validation_failed` naming the line; what came before it is there, and a corrected file goes on from it
 */
export async function importSession(
  ports: EdgePorts,
  body: AsyncIterable<Uint8Array>,
  options: ImportOptions,
): Promise<ImportResult> {
  let importing: Importing | undefined;
  for await (const part of partsOf(body)) {
    if (part.part === 'session') importing = new Importing(ports, options, part.session);
    else await importing?.take(part.turn);
  }
  if (importing === undefined) throw new Refusal('validation_failed', 'There is no session in it.');
  return await importing.end();
}

type Turn = Extract<ExportedPart, { part: 'turn' }>['turn'];

class Importing {
  readonly #ports: EdgePorts;
  readonly #options: ImportOptions;
  readonly #head: SessionHead;
  readonly #workspace: string;
  readonly #user: string;
  #id: string | undefined;
  #waiting: ImportedTurn[] = [];
  #length = 0;
  #turns = 0;
  #imported = 0;
  #seq = 0;
  /** The session was there before. */
  #found = false;

  constructor(ports: EdgePorts, options: ImportOptions, head: SessionHead) {
    const { caller } = options;
    this.#ports = ports;
    this.#options = options;
    this.#head = head;
    this.#workspace = options.workspace_id ?? head.workspace_id;
    // Who may see everybody's sessions brings them back as they were; who may not gets it as their own.
    this.#user = seesAll(caller) ? head.user_id : caller.user_id;
    checkWorkspace(caller, this.#workspace, ports.places);
  }

  async take(turn: Turn): Promise<void> {
    this.#id ??= await this.#freeId(turn.id);
    const id = this.#id;
    this.#turns += 1;
    const turn_id = derived(id, turn.id);
    // Of a session that was there some turns may be: asked of the record, however long ago they came.
    if (this.#found && (await this.#has(turn_id, id))) return;
    const exported: ExportedTurn = { ...turn, id: turn_id, user_id: this.#user };
    this.#waiting.push(recordsOf(exported, this.#options.channel, (message) => derived(turn_id, message)));
    this.#length += turn.messages.reduce((sum, { content }) => sum + content.length, turn.content.length);
    if (this.#waiting.length >= PART.turns || this.#length >= PART.length) await this.#send();
  }

  async end(): Promise<ImportResult> {
    const { store, bus } = this.#ports;
    this.#id ??= await this.#freeId(undefined);
    const session_id = this.#id;
    if (this.#waiting.length > 0 || !this.#found) await this.#send();
    const { title, model, status } = this.#head;
    const now = await store.read('session.get', { session_id }, this.#seq > 0 ? { after: this.#seq } : FRESH);
    const same = now.title === title && now.model === model && now.status === status;
    // What somebody has changed since is theirs: only an import that brought something finishes it.
    if (!same && (this.#imported > 0 || !this.#found)) {
      const change = { title, model, status, by: this.#options.caller.user_id };
      const { seq } = await ask(bus, address('session', session_id), 'session.change', change, IMPORT_MS);
      this.#seq = seq;
    }
    const [turns, imported, seq] = [this.#turns, this.#imported, this.#seq];
    return { session_id, workspace_id: this.#workspace, turns, imported, seq };
  }

  /** The file's own id when nobody has it or this import made it; else the one that follows from it. */
  async #freeId(firstTurn: string | undefined): Promise<string> {
    const own = this.#head.id;
    if (await this.#takes(own, firstTurn)) return own;
    const other = derived(own, `import for ${this.#user} in ${this.#workspace}`);
    if (await this.#takes(other, firstTurn)) return other;
    throw new Refusal('conflict', `The session ${own} is there already, and so is its copy ${other}.`);
  }

  async #takes(id: string, firstTurn: string | undefined): Promise<boolean> {
    const { store } = this.#ports;
    try {
      await store.read('session.get', { session_id: id }, FRESH);
    } catch (thrown) {
      if (notFound(thrown)) return true;
      throw thrown;
    }
    this.#found = firstTurn === undefined || (await this.#has(derived(id, firstTurn), id));
    return this.#found;
  }

  async #has(turn_id: string, session_id: string): Promise<boolean> {
    try {
      return (await this.#ports.store.read('turn.get', { turn_id }, FRESH)).session_id === session_id;
    } catch (thrown) {
      if (notFound(thrown)) return false;
      throw thrown;
    }
  }

  async #send(): Promise<void> {
    const { bus, world } = this.#ports;
    if (this.#ports.erasure.erasing(this.#user))
      throw new Refusal('conflict', `Everything about ${this.#user} is being erased; nothing is taken meanwhile.`);
    const turns = this.#waiting;
    this.#waiting = [];
    this.#length = 0;
    const at = this.#head.created_at;
    const create = { workspace_id: this.#workspace, user_id: this.#user, channel: this.#options.channel, at };
    const session = address('session', this.#id ?? '');
    const patience = new Patience(world);
    for (;;) {
      try {
        const reply = await ask(bus, session, 'session.import', { create, turns }, IMPORT_MS, this.#options.requestId);
        this.#imported += reply.turns;
        this.#seq = reply.seq;
        return;
      } catch (thrown) {
        // Asked again: turns that did arrive are passed over.
        await patience.after(thrown, lostOnTheWay);
      }
    }
  }
}

function notFound(thrown: unknown): boolean {
  return thrown instanceof SigilError && thrown.failure.code === 'not_found';
}

/** An id that follows from two others, in the form of a UUID (version 8, RFC 9562). */
function derived(of: string, name: string): string {
  const hex = createHash('sha256').update(`${of}\n${name}`).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(18, 20)}-${hex.slice(20, 32)}`;
}
