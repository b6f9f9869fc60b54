// SPDX-License-Identifier: Apache-2.0
// A gateway that serves while something is wrong with one of its files, and after: what it says, and what it has lost.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAIN } from '../built.ts';
import { freePort, ownerToken } from '../crash/gateway-process.ts';
import { recover } from '../data-kills/follow.ts';
import { MODELS } from '../data-kills/models.ts';
import { Shadow } from '../data-kills/shadow.ts';
import { type Fault, goWrong } from './faults.ts';
import type { Tried } from './tried.ts';

/** How long a file may stay wrong until somebody is told, and how long until all is well again after it, in milliseconds. */
const PATIENCE_MS = 20_000;
const LOOK_MS = 50;
/** Who waits longer for an answer goes away, and asks again under the same id later. */
const ANSWER_MS = 2_500;

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly text: string;
}

/** No limit is in the way. */
const ENV = {
  SIGIL_LOGGING_LEVEL: 'debug',
  SIGIL_SECRETS_BACKEND: 'file',
  SIGIL_NETWORKING_CHAT_RATE_LIMIT_RPM: '0',
  SIGIL_MODELS_BUDGETS_PER_SESSION_TOKENS: '0',
  SIGIL_SESSIONS_MAX_TOOL_CALLS_PER_SESSION: '1000000',
} as const;

/** The files that everything people say is written to. */
export const FILES = ['journal.db', 'gateway.db', 'sessions.db', 'memory.db', 'knowledge.db', 'vectors.db'] as const;

/** One gateway of a directory of its own; its log goes to a file, as a service's does. */
export class Serving {
  readonly scratch = mkdtempSync(join(tmpdir(), 'sigil-faults-'));
  readonly dataDir = join(this.scratch, 'data');
  readonly log = join(this.scratch, 'sigil.log');
  readonly #port: number;
  readonly #child: ChildProcess;
  readonly #ready: Promise<void>;
  /** What was acknowledged, and has to be there in the end. */
  readonly #acknowledged = new Set<string>();
  #session = '';

  constructor(port: number) {
    this.#port = port;
    const log: number = openSync(this.log, 'a');
    const args = [MAIN, 'start', '--listen', `127.0.0.1:${port}`, '--data-dir', this.dataDir];
    this.#child = spawn(process.execPath, args, {
      env: { ...process.env, ...ENV, HOME: this.scratch },
      stdio: ['ignore', 'pipe', log],
    });
    closeSync(log);
    this.#ready = new Promise((resolve, reject) => {
      this.#child.stdout?.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('http://')) resolve();
      });
      this.#child.once('exit', (code) => reject(new Error(`it ended with ${code}: ${this.#said(0)}`)));
    });
    this.#ready.catch(() => undefined);
  }

  static async begin(): Promise<Serving> {
    const serving = new Serving(await freePort());
    await serving.#ready;
    await serving.say();
    // A file that nobody has written to yet could not be found wrong.
    for (const name of FILES) while (!existsSync(serving.file(name))) await sleep(LOOK_MS);
    return serving;
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('it does not run');
    return this.#child.pid;
  }

  /** Where a file lies that everything people say is written to. */
  file(name: string): string {
    return join(this.dataDir, /^(?:journal|gateway)/.test(name) ? name : `workspaces/personal%3Aowner/${name}`);
  }

  get runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async ask(method: string, path: string, body?: unknown, within = PATIENCE_MS): Promise<Answer> {
    try {
      const answer = await fetch(`http://127.0.0.1:${this.#port}${path}`, {
        method,
        headers: { authorization: `Bearer ${ownerToken(this.dataDir)}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(within),
      });
      const text = await answer.text();
      const { code = '', detail = '' } = parsed(text);
      return { status: answer.status, code, detail, text };
    } catch (thrown) {
      return { status: 0, code: '', detail: String(thrown), text: '' };
    }
  }

  async #chat(content: string, message_id: string): Promise<Answer> {
    const session = this.#session === '' ? {} : { session_id: this.#session };
    const answer = await this.ask('POST', '/api/v1/chat', { ...session, message_id, content }, ANSWER_MS);
    if (answer.status !== 200) return answer;
    this.#session = (JSON.parse(answer.text) as { session_id: string }).session_id;
    this.#acknowledged.add(message_id);
    return answer;
  }

  /** Something is said that every file has a part in: it is remembered. */
  async say(message_id = `m${this.#acknowledged.size}`): Promise<Answer> {
    return await this.#chat(`remember that my thing ${message_id} is called word${message_id}`, message_id);
  }

  #said(from: number): string {
    return existsSync(this.log) ? readFileSync(this.log, 'utf8').slice(from) : '';
  }

  /** What is wrong with a file while people talk, and that it is over afterwards. */
  async try(name: string, file: string, fault: Fault): Promise<Tried> {
    const from = this.#said(0).length;
    const id = `${name.replace(/\W/g, '')}-${fault}`;
    const wrong = await goWrong(this.pid, file, fault);
    let told: string | undefined;
    const refused: string[] = [];
    const asked: string[] = [];
    const until = Date.now() + PATIENCE_MS;
    for (let n = 0; told === undefined && Date.now() < until && this.runs; n += 1) {
      asked.push(`${id}-${n}`);
      const answer = await this.say(`${id}-${n}`);
      if (answer.status !== 200) refused.push(`${id}-${n}`);
      if (answer.detail.includes(name)) told = answer.detail;
      for (const end = Date.now() + 1_500; told === undefined && Date.now() < end; await sleep(LOOK_MS))
        told = toldOf(this.#said(from), name);
    }
    await wrong.end();
    const over = Date.now();
    const last = await this.#again([...refused, `${id}-after`]);
    return {
      file: name,
      fault,
      told: told ?? '',
      refused: refused.length > 0,
      again: last && this.runs,
      again_ms: Date.now() - over,
      problems: [
        ...(told === undefined ? [`nobody is told of ${name} (${fault}); ${asked.length} were said`] : []),
        ...(last ? [] : [`${name} (${fault}): it does not work again`]),
        ...(this.runs ? [] : [`${name} (${fault}): the gateway ended: ${this.#said(from).slice(-400)}`]),
      ],
    };
  }

  /** Everything that was refused is taken under its id, and what was taken can be read. */
  async #again(ids: readonly string[]): Promise<boolean> {
    const until = Date.now() + PATIENCE_MS;
    for (const id of ids) {
      for (;;) {
        if ((await this.say(id)).status === 200) break;
        if (Date.now() > until) return false;
        await sleep(LOOK_MS);
      }
    }
    for (; Date.now() < until; await sleep(LOOK_MS)) {
      const last = `word${ids.at(-1)}`;
      const read = await this.ask(
        'GET',
        `/api/v1/sessions/${this.#session}/messages?limit=200&order=desc`,
        undefined,
        5_000,
      );
      const found = await this.ask('GET', `/api/v1/memory/search?q=${last}`, undefined, 5_000);
      if (read.status === 200 && found.status === 200 && found.text.includes(last)) return true;
    }
    return false;
  }

  /** Stops it: what was acknowledged and is not there exactly once, and which view is not as made from scratch. */
  async end(): Promise<readonly string[]> {
    const kept = new Map<string, number>();
    for (let cursor = ''; ; ) {
      const page = await this.ask('GET', `/api/v1/sessions/${this.#session}/messages?limit=200${cursor}`);
      if (page.status !== 200) return [`the session cannot be read in the end: ${page.detail}`];
      const { items, next_cursor } = JSON.parse(page.text) as { items: Said[]; next_cursor: string | null };
      for (const { id, role } of items) if (role === 'user') kept.set(id, (kept.get(id) ?? 0) + 1);
      if (next_cursor === null) break;
      cursor = `&cursor=${next_cursor}`;
    }
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await gone;
    const shadow = new Shadow();
    shadow.note(this.dataDir);
    const problems = [
      ...recover(this.dataDir, { model: MODELS[0] }),
      ...[...this.#acknowledged].filter((id) => kept.get(id) !== 1).map((id) => `${id} was acknowledged, and is lost`),
      ...shadow.compare(this.dataDir, MODELS[0]),
    ];
    if (problems.length === 0) rmSync(this.scratch, { recursive: true });
    return problems;
  }
}

interface Said {
  readonly id: string;
  readonly role: string;
}

function parsed(text: string): { readonly code?: string; readonly detail?: string } {
  try {
    return JSON.parse(text) as object;
  } catch {
    return {};
  }
}

/** What the log says of a file. */
function toldOf(log: string, name: string): string | undefined {
  const line = log.split('\n').find((text) => text.includes('storage_failed') && text.includes(name));
  return line === undefined ? undefined : (/"message":"([^"]*)"/.exec(line)?.[1] ?? line);
}
