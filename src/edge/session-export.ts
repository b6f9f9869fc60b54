// SPDX-License-Identifier: Apache-2.0
// A session as a file: its turns in order, read page by page as they are sent.

import { SigilError } from '../errors.ts';
import type { MessageRow, ReadStore, SessionRow, TurnRow, TurnToolCall } from '../stores/session-store.ts';
import { FRESH } from './access.ts';

export type ExportFormat = 'jsonl' | 'markdown';

/** The version of the form, in its first line. */
export const EXPORT_FORMAT = 1;

const PAGE = 200;
/** Text collected before it is sent, in UTF-16 units. */
const CHUNK = 64 * 1024;

interface WholeTurn {
  readonly turn: TurnRow;
  readonly messages: readonly MessageRow[];
}

/** The export of a session, as it is now, in pieces. */
export async function* exportOf(store: ReadStore, session: SessionRow, format: ExportFormat): AsyncGenerator<string> {
  const form = format === 'jsonl' ? jsonl(session) : markdown(session);
  let text = form.head;
  let turns = 0;
  let messages = 0;
  for await (const whole of turnsOf(store, session.id)) {
    turns += 1;
    messages += whole.messages.length;
    text += form.turn(whole);
    if (text.length < CHUNK) continue;
    yield text;
    text = '';
  }
  yield text + form.end(turns, messages);
}

/**
 * Turns with their messages. A message may come while the turn before runs, so messages of a few turns are mixed: a turn is
 * whole once a later one has begun to answer, for a session answers one after the other.
 */
async function* turnsOf(store: ReadStore, session_id: string): AsyncGenerator<WholeTurn> {
  const open = new Map<string, MessageRow[]>();
  const whole = async (turn_id: string): Promise<WholeTurn | undefined> => {
    const messages = open.get(turn_id) ?? [];
    open.delete(turn_id);
    try {
      return { turn: await store.read('turn.get', { turn_id }, FRESH), messages };
    } catch (thrown) {
      // Messages that another turn has taken over since the page was read come with that one.
      if (thrown instanceof SigilError && thrown.failure.code === 'not_found') return undefined;
      throw thrown;
    }
  };
  for await (const message of messagesOf(store, session_id)) {
    const { turn_id, role } = message;
    const held = open.get(turn_id);
    if (held === undefined) open.set(turn_id, [message]);
    else held.push(message);
    if (role === 'user') continue;
    for (const earlier of [...open.keys()]) {
      if (earlier === turn_id) break;
      const done = await whole(earlier);
      if (done !== undefined) yield done;
    }
  }
  for (const left of [...open.keys()]) {
    const done = await whole(left);
    if (done !== undefined) yield done;
  }
}

async function* messagesOf(store: ReadStore, session_id: string): AsyncGenerator<MessageRow> {
  let cursor: string | undefined;
  do {
    const page = await store.read('session.messages', { session_id, page: { limit: PAGE, cursor } }, FRESH);
    yield* page.items;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}

interface Form {
  readonly head: string;
  turn(whole: WholeTurn): string;
  end(turns: number, messages: number): string;
}

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

/** One JSON object a line: the session, then each turn followed by its messages, then the counts. */
function jsonl(session: SessionRow): Form {
  return {
    head: line({ type: 'session', format: EXPORT_FORMAT, ...session }),
    turn: ({ turn, messages }) => {
      const { tool_calls, ...rest } = turn;
      const results = new Results(tool_calls);
      const said = messages.map((message) => line({ type: 'message', ...message, ...results.of(message) }));
      return line({ type: 'turn', ...rest }) + said.join('');
    },
    end: (turns, messages) => line({ type: 'end', turns, messages }),
  };
}

/** What the record of a turn knows of its tools' results and the messages do not say. */
class Results {
  readonly #left: TurnToolCall[];

  constructor(calls: readonly TurnToolCall[]) {
    this.#left = [...calls];
  }

  of({ role, tool_call_id }: MessageRow): { is_error?: boolean; truncated?: boolean } {
    if (role !== 'tool') return {};
    const at = this.#left.findIndex(({ id, result }) => id === tool_call_id && result !== null);
    const [call] = at < 0 ? [] : this.#left.splice(at, 1);
    return call?.result ? { is_error: call.result.is_error, truncated: call.result.truncated } : {};
  }
}

/** A transcript for people. */
function markdown(session: SessionRow): Form {
  const { id, title, workspace_id, user_id, created_at } = session;
  const head = [
    `# ${title === '' ? `Session ${id}` : heading(title)}`,
    '',
    `- Session: ${id}`,
    `- Workspace: ${workspace_id}`,
    `- User: ${user_id}`,
    `- Begun: ${created_at}`,
    '',
  ];
  return {
    head: `${head.join('\n')}\n`,
    turn: ({ turn, messages }) => {
      const parts = messages.map((message) => said(message));
      if (turn.error !== null) parts.push(`> This turn failed (${turn.error.code}): ${heading(turn.error.message)}\n`);
      return `${parts.join('\n')}\n`;
    },
    end: () => '',
  };
}

/** Text for one line. */
const heading = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

const NAMES = { user: 'User', assistant: 'Assistant', system: 'System', tool: 'Tool' } as const;

function said({ role, created_at, content, tool_calls = [] }: MessageRow): string {
  const calls = tool_calls.map(({ name, arguments: given }) => `\n${fenced(`${name} ${given}`)}`);
  // What a tool returns is no prose: it stands as it is.
  const text = content === '' ? '' : role === 'tool' ? `\n${fenced(content)}` : `\n${content}\n`;
  return `## ${NAMES[role]} · ${created_at}\n${text}${calls.join('')}`;
}

/** A code block whose fence no content can close. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}\n${fence}\n`;
}
