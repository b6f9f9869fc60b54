// SPDX-License-Identifier: Apache-2.0
// Where the next message of a chat goes: its workspace, its session and its model.

import { randomUUID } from 'node:crypto';
import type { ChatLink } from './chat-link.ts';
import type { ChatMessage } from './chat-turn.ts';
import type { Call } from './command.ts';
import { type JsonObject, number, text } from './json-reading.ts';
import { sessionsOf } from './session-list.ts';
import { tableLines } from './table.ts';
import { oneLine } from './terminal-text.ts';
import { agoText } from './time-text.ts';

const SESSIONS_SHOWN = 20;

/** Begins with what the command line chose; answers and slash commands change it. What its methods return is said. */
export class Destination {
  readonly #workspace: string | undefined;
  /** The session the command line chose. */
  readonly #asked: string | undefined;
  #session: string | undefined;
  #model: string | undefined;
  /** Which model answered last. */
  #answered = '';
  /** Ids of the sessions as they were listed last. */
  #listed: readonly string[] = [];

  constructor(call: Call) {
    this.#workspace = call.value('workspace');
    this.#asked = call.value('session');
    this.#session = this.#asked;
    this.#model = call.value('model');
  }

  /** A new message to it. */
  message(content: string): ChatMessage {
    // A session has its workspace already; only one that was chosen together with a workspace is held to it.
    const held = this.#session === undefined || this.#session === this.#asked;
    return {
      content,
      message_id: randomUUID(),
      ...(held && this.#workspace !== undefined ? { workspace_id: this.#workspace } : {}),
      ...(this.#session === undefined ? {} : { session_id: this.#session }),
      ...(this.#model === undefined ? {} : { model: this.#model }),
    };
  }

  /** A turn has started: the messages after it go on with its session. */
  started(turn: JsonObject): void {
    this.#session = text(turn['session_id']) || this.#session;
    this.#answered = text(turn['model']);
  }

  /** The next message begins a new session. */
  begin(): string {
    this.#session = undefined;
    return 'The next message begins a new session.';
  }

  /** Chooses a model, or tells which is chosen when the name is empty. */
  chooseModel(name: string): string {
    if (name === '') {
      const last = this.#answered === '' ? '' : `; the last answer came from ${oneLine(this.#answered)}`;
      return `Model: ${this.#model ?? 'default'}${last}.`;
    }
    this.#model = name === 'default' ? undefined : name;
    return this.#model === undefined
      ? 'The next messages go to the default model.'
      : `The next messages go to ${name}.`;
  }

  /** Chooses a session by its number in the last list or its id. */
  chooseSession(choice: string): string {
    const id = /^\d{1,3}$/.test(choice) ? this.#listed[Number(choice) - 1] : choice;
    if (id === undefined) return 'There is no such number; /sessions lists them.';
    this.#session = id;
    return `The next message goes on with session ${id}.`;
  }

  /** The newest sessions, numbered. */
  async sessions(link: ChatLink, width: number): Promise<string> {
    const { items } = await sessionsOf(await link.client(), this.#workspace, SESSIONS_SHOWN);
    this.#listed = items.map((item) => text(item['id']));
    if (items.length === 0) return 'There are no sessions yet.';
    const rows = items.map((item, index) => [
      `${index + 1}${text(item['id']) === this.#session ? '*' : ''}`,
      oneLine(text(item['title'])) || oneLine(text(item['id'])),
      number(item['turns']) === 1 ? '1 turn' : `${number(item['turns'])} turns`,
      agoText(text(item['updated_at']), Date.now()),
    ]);
    return tableLines(rows, { give: [1], width }).join('\n');
  }
}
