// SPDX-License-Identifier: Apache-2.0
// The interactive chat: prompt, answer, prompt; one turn at a time, what is typed meanwhile waits its turn.

import { join } from 'node:path';
import { answerApproval, idBeginning } from './approval-answer.ts';
import { type CommandHost, isSlashCommand, runSlashCommand } from './chat-commands.ts';
import { Destination } from './chat-destination.ts';
import { ChatHistory } from './chat-history.ts';
import type { ChatLink } from './chat-link.ts';
import { cancelTurn, type TurnStreamEvent, turnEvents } from './chat-turn.ts';
import { EXIT, toCliError } from './cli-error.ts';
import type { Call } from './command.ts';
import { dataDirOf } from './connect.ts';
import { text } from './json-reading.ts';
import { LineEditor } from './line-editor.ts';
import { cut, oneLine, visible } from './terminal-text.ts';
import { spinnerOn, TurnView } from './turn-view.ts';

/** The turn being answered. */
interface RunningTurn {
  readonly stop: AbortController;
  /** Empty until it is known. */
  id: string;
  cancelling: boolean;
}

class Conversation implements CommandHost {
  readonly #call: Call;
  readonly #link: ChatLink;
  readonly #destination: Destination;
  readonly #history: ChatHistory;
  readonly #editor: LineEditor;
  readonly #view: TurnView;
  readonly #ended = Promise.withResolvers<number>();
  readonly #waiting: string[] = [];
  #busy = false;
  #turn: RunningTurn | undefined;
  /** Requests for approval that were shown and wait, by their ids: the calls they are about. */
  readonly #asked = new Map<string, string>();
  /** The next Ctrl-C leaves. */
  #leaving = false;

  constructor(call: Call, link: ChatLink) {
    const { output } = call;
    this.#call = call;
    this.#link = link;
    this.#destination = new Destination(call);
    this.#history = new ChatHistory(join(dataDirOf(call), 'chat_history'));
    const { write, paint, width } = output;
    const approval = (id: string): string => `/approve ${id}, or /deny`;
    this.#view = new TurnView({ write, aside: write, spinner: spinnerOn(process.stdout), paint, width, approval });
    this.#editor = new LineEditor(
      {
        prompt: paint.cyan('› '),
        continuation: paint.dim('… '),
        history: this.#history.load().map((line) => visible(line)),
      },
      {
        message: (line) => this.#onMessage(line),
        interrupt: (hadText) => this.#onInterrupt(hadText),
        close: () => {
          output.line();
          this.#leave(EXIT.done);
        },
      },
    );
  }

  async run(): Promise<number> {
    process.on('SIGTERM', () => this.#leave(EXIT.interrupted));
    this.#call.output.onClosed(() => this.#leave(EXIT.done));
    this.say('Ask anything; /help lists the commands.');
    this.#editor.prompt();
    return await this.#ended.promise;
  }

  say(shown: string): void {
    this.#call.output.line(this.#call.output.paint.dim(shown));
  }

  begin(): void {
    this.say(this.#destination.begin());
  }

  model(name: string): void {
    this.say(this.#destination.chooseModel(name));
  }

  async sessions(choice: string): Promise<void> {
    this.say(
      choice === ''
        ? await this.#destination.sessions(this.#link, this.#call.output.width())
        : this.#destination.chooseSession(choice),
    );
  }

  cancel(): void {
    const turn = this.#turn;
    if (turn === undefined) {
      this.say('Nothing is being answered.');
      return;
    }
    turn.cancelling = true;
    this.#view.settle();
    this.#view.wait('cancelling');
    // Its stream tells the end; a turn that is not even known yet is simply not waited for.
    if (turn.id === '') turn.stop.abort();
    else cancelTurn(this.#link, turn.id).catch((error: unknown) => this.#view.note(toCliError(error).message));
  }

  async decide(decision: 'approve' | 'deny', begin: string): Promise<void> {
    const shown = [...this.#asked.keys()];
    const id = shown.length > 0 ? idBeginning(begin, shown) : begin;
    const approval = await answerApproval(await this.#link.client(), id, decision);
    this.#asked.delete(id);
    this.#view.settle();
    this.say(`${decision === 'approve' ? 'Allowed' : 'Refused'}: ${oneLine(text(approval['tool']))}.`);
  }

  quit(): void {
    this.#leave(EXIT.done);
  }

  #leave(status: number): void {
    this.#turn?.stop.abort();
    this.#view.settle();
    this.#editor.close();
    this.#ended.resolve(status);
  }

  #onMessage(line: string): void {
    this.#leaving = false;
    if (line.trim() === '') {
      if (!this.#busy) this.#editor.prompt();
      return;
    }
    this.#history.add(line);
    if (this.#busy && isSlashCommand(line)) {
      // What stops or explains cannot wait for the answer it is about.
      this.#view.settle();
      runSlashCommand(this, line)
        .catch((error: unknown) => this.#complain(error))
        .finally(() => this.#askOn());
    } else if (this.#busy) {
      this.#waiting.push(line);
      this.#view.note(`› ${cut(oneLine(line), 60)} (waits its turn)`);
      this.#askOn();
    } else {
      this.#work(line).catch((error: unknown) => this.#ended.reject(error));
    }
  }

  #onInterrupt(hadText: boolean): void {
    if (this.#turn !== undefined && !this.#turn.cancelling) {
      this.#waiting.length = 0;
      this.cancel();
    } else if (this.#leaving || this.#busy) {
      this.#leave(EXIT.interrupted);
    } else {
      this.#leaving = !hadText;
      if (!hadText) this.say('Ctrl-C again leaves (or Ctrl-D, or /quit).');
      this.#editor.prompt();
    }
  }

  /** Handles a line and whatever was typed meanwhile. */
  async #work(first: string): Promise<void> {
    this.#busy = true;
    this.#editor.hide();
    for (let line: string | undefined = first; line !== undefined; line = this.#waiting.shift()) {
      try {
        if (isSlashCommand(line)) await runSlashCommand(this, line);
        else await this.#ask(line.startsWith('//') ? line.slice(1) : line);
      } catch (error) {
        this.#complain(error);
      }
    }
    this.#busy = false;
    this.#editor.prompt();
  }

  async #ask(content: string): Promise<void> {
    const message = this.#destination.message(content);
    const turn: RunningTurn = { stop: new AbortController(), id: '', cancelling: false };
    this.#turn = turn;
    this.#view.begin();
    this.#view.wait('connecting');
    try {
      for await (const event of turnEvents(this.#link, message, turn.stop.signal, (reason) =>
        this.#view.note(oneLine(reason)),
      )) {
        if (event.event === 'turn_started') {
          turn.id = text(event.data['turn_id']);
          this.#destination.started(event.data);
        }
        this.#editor.hide();
        this.#view.show(event);
        this.#noteAsked(event);
      }
    } catch (error) {
      if (!turn.stop.signal.aborted) throw error;
    } finally {
      this.#turn = undefined;
      this.#asked.clear();
      this.#view.settle();
    }
  }

  #noteAsked({ event, data }: TurnStreamEvent): void {
    if (event === 'approval_requested') this.#asked.set(text(data['id']), text(data['call_id']));
    else if (event === 'tool_result')
      for (const [id, call] of this.#asked) if (call === text(data['id'])) this.#asked.delete(id);
    this.#askOn();
  }

  /** While a person is waited for they are to see what they type. */
  #askOn(): void {
    if (this.#asked.size === 0) return;
    this.#view.settle();
    this.#editor.prompt();
  }

  #complain(error: unknown): void {
    const { message, advice, lines } = toCliError(error);
    const { paint, line } = this.#call.output;
    this.#view.settle();
    line(`${paint.red('!')} ${[message, ...lines, advice].map((part) => visible(part)).join('\n  ')}`);
  }
}

/** A conversation until the person leaves; a gateway inside this process is drained then. */
export async function converse(call: Call, link: ChatLink): Promise<number> {
  const conversation = new Conversation(call, link);
  try {
    return await conversation.run();
  } finally {
    // From here on nothing asks any more: whoever is in a hurry may leave at once.
    process.once('SIGINT', () => process.exit(EXIT.interrupted));
    if (link.hosting) call.output.note(call.output.notePaint.dim('Stopping…'));
    await link.close('the chat is over');
  }
}
