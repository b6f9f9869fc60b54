// SPDX-License-Identifier: Apache-2.0
// The turns of a session, newest first, each leading to its steps. Of its messages nothing is looked at but whose turn they are.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { get, Refused } from '../api.ts';
import { dateTime } from '../format.ts';
import { linkTo } from '../route.ts';
import type { Messages } from '../wire.ts';

/** Pages of messages looked through for the newest turns; who wants older ones has their ids. */
const PAGES_MOST = 5;
const SHOWN = 12;
/** After the last step, in milliseconds: many steps make one turn. */
const SETTLED_MS = 600;

interface Known {
  readonly id: string;
  readonly at: string;
}

export interface SessionTurnsProps {
  readonly session: string;
  readonly processed: number;
  readonly context: unknown;
}

/** The turn that runs, as the session's context tells it. */
function runningIn(context: unknown): string | null {
  const turn = (context as { readonly turn?: { readonly turn_id?: unknown } | null } | null)?.turn;
  return typeof turn?.turn_id === 'string' ? turn.turn_id : null;
}

export function SessionTurns({ session, processed, context }: SessionTurnsProps) {
  const turns = useSignal<readonly Known[]>([]);
  const closed = useSignal(false);
  useEffect(() => {
    const until = new AbortController();
    const timer = setTimeout(
      () =>
        turnsOf(session, until.signal).then(
          (found) => {
            turns.value = found;
          },
          (thrown: unknown) => {
            // Whoever may look at actors may not look at everybody's messages.
            closed.value = thrown instanceof Refused && thrown.problem.status !== 404;
          },
        ),
      turns.value.length === 0 ? 0 : SETTLED_MS,
    );
    return () => {
      clearTimeout(timer);
      until.abort();
    };
  }, [session, processed, turns, closed]);
  const running = runningIn(context);
  const all = [
    ...(running === null || turns.value.some(({ id }) => id === running) ? [] : [{ id: running, at: '' }]),
    ...turns.value,
  ];
  return (
    <section class="block">
      <h2>Turns</h2>
      {all.length === 0 && (
        <p class="empty">{closed.value ? 'The turns of this session are not yours to see.' : 'None yet.'}</p>
      )}
      <ul class="turn-links">
        {all.map(({ id, at }) => (
          <li key={id}>
            <a href={linkTo('turns', id)}>{id}</a>
            <span class="muted">{id === running ? 'running' : at === '' ? '' : dateTime(at)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

async function turnsOf(session: string, within: AbortSignal): Promise<readonly Known[]> {
  const found = new Map<string, string>();
  let cursor: string | null = '';
  for (let page = 0; page < PAGES_MOST && cursor !== null; page += 1) {
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const answer: Messages = await get<Messages>(`/api/v1/sessions/${session}/messages?limit=200${query}`, within);
    for (const { turn_id, created_at } of answer.items)
      if (turn_id !== '' && !found.has(turn_id)) found.set(turn_id, created_at);
    cursor = answer.next_cursor;
  }
  return [...found]
    .map(([id, at]) => ({ id, at }))
    .toReversed()
    .slice(0, SHOWN);
}
