// SPDX-License-Identifier: Apache-2.0
// A turn as a waterfall: its stages, and the steps of its journal, each where it began and as long as it took.

import { useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { get, Refused } from '../api.ts';
import { clock, dateTime, millis } from '../format.ts';
import { now, useRepeat } from '../live.ts';
import { go, linkTo } from '../route.ts';
import type { Turn } from '../wire.ts';
import { JsonTree } from './json-tree.tsx';
import { Empty, Notice } from './notice.tsx';
import { Address, State } from './state.tsx';

/** While it runs; once it is over it changes no more. */
const EVERY_MS = 1_000;
const OVER: ReadonlySet<string> = new Set(['finished', 'failed', 'cancelled']);

export function TurnsView({ id }: { readonly id: string }) {
  const [typed, setTyped] = useState('');
  return (
    <section class="page" aria-label="Turns">
      <h1>{id === '' ? 'Turns' : 'Turn'}</h1>
      <form
        class="turn-search"
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.trim() !== '') go('turns', typed.trim().toLowerCase());
        }}
      >
        <input
          id="turn-search"
          type="search"
          placeholder="A turn's id"
          aria-label="A turn's id"
          autocomplete="off"
          spellcheck={false}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
        <button type="submit">Show</button>
      </form>
      {id === '' ? (
        <Empty>
          Paste the id of a turn (`turn_id` of an answer, a log line or an event), or open a session among the{' '}
          <a href={linkTo('actors')}>actors</a>: its turns are listed there.
        </Empty>
      ) : (
        <TurnSteps key={id} id={id} />
      )}
    </section>
  );
}

function TurnSteps({ id }: { readonly id: string }) {
  const turn = useSignal<Turn | null>(null);
  const failed = useSignal<string | null>(null);
  useRepeat(
    `turn ${id}`,
    EVERY_MS,
    async (within) => {
      if (turn.value !== null && OVER.has(turn.value.status)) return;
      try {
        turn.value = await get<Turn>(`/debug/turns/${encodeURIComponent(id)}`, within);
      } catch (thrown) {
        if (thrown instanceof Refused && thrown.problem.status === 404) failed.value = `There is no turn ${id}.`;
        throw thrown;
      }
    },
    (why) => {
      failed.value = why;
    },
  );
  const { value } = turn;
  if (value === null) return <Notice why={failed.value} />;
  return (
    <>
      <Notice why={failed.value} />
      <TurnHead turn={value} />
      <Waterfall turn={value} />
    </>
  );
}

function TurnHead({ turn }: { readonly turn: Turn }) {
  const from = turn.steps[0]?.start;
  const { until } = boundsOf(turn);
  return (
    <>
      <p class="turn-id">
        <code>{turn.id}</code> <State kind="turn" value={turn.status} />
      </p>
      <dl class="facts">
        <div>
          <dt>Session</dt>
          <dd>
            <a href={linkTo('actors', `session/${turn.session_id}`)}>
              <Address of={`session/${turn.session_id}`} />
            </a>
          </dd>
        </div>
        <div>
          <dt>Workspace</dt>
          <dd>
            <a href={linkTo('actors', `workspace/${turn.workspace_id}`)}>{turn.workspace_id}</a>
          </dd>
        </div>
        <div>
          <dt>User</dt>
          <dd>{turn.user_id}</dd>
        </div>
        <div>
          <dt>Began</dt>
          <dd>{from === undefined ? '–' : dateTime(from)}</dd>
        </div>
        <div>
          <dt>Took</dt>
          <dd>{from === undefined ? '–' : millis(until - Date.parse(from))}</dd>
        </div>
      </dl>
    </>
  );
}

interface Bar {
  readonly key: string;
  readonly name: string;
  readonly note: string;
  readonly start: string;
  readonly end: string | null;
  readonly outcome: string | null;
  readonly detail: Readonly<Record<string, unknown>>;
}

/** From its first step to its last; while it runs to now. */
function boundsOf({ steps, stages, status }: Turn): { readonly from: number; readonly until: number } {
  const all = [...steps, ...stages];
  const from = Math.min(...all.map(({ start }) => Date.parse(start)));
  const ends = all.map(({ start, end }) => Date.parse(end ?? start));
  return { from, until: Math.max(from, ...ends, OVER.has(status) ? 0 : now.value) };
}

const BAD: ReadonlySet<string> = new Set(['error', 'failed', 'interrupted', 'denied']);

function Waterfall({ turn }: { readonly turn: Turn }) {
  const bounds = boundsOf(turn);
  const stages = turn.stages.map(
    ({ stage, start, end, outcome, detail }, nth): Bar => ({
      key: `stage ${nth}`,
      name: stage,
      note: noteOf(detail),
      start,
      end,
      outcome,
      detail,
    }),
  );
  const steps = turn.steps.map(
    ({ seq, type, start, end, outcome, detail }): Bar => ({
      key: `step ${seq}`,
      name: type,
      note: noteOf(detail),
      start,
      end,
      outcome,
      detail,
    }),
  );
  return (
    <>
      <Bars title="Stages" bars={stages} bounds={bounds} />
      <Bars title="Journal" bars={steps} bounds={bounds} />
    </>
  );
}

/** The one thing of a step's details that tells it from its like. */
function noteOf(detail: Readonly<Record<string, unknown>>): string {
  const calls = detail['calls'] ?? detail['tool_calls'];
  if (Array.isArray(calls) && calls.length > 0)
    return calls.map((call) => String((call as { name?: unknown }).name ?? '')).join(', ');
  for (const key of ['name', 'model', 'channel'])
    if (typeof detail[key] === 'string' && detail[key] !== '') return detail[key];
  return '';
}

interface BarsProps {
  readonly title: string;
  readonly bars: readonly Bar[];
  readonly bounds: { readonly from: number; readonly until: number };
}

function Bars({ title, bars, bounds }: BarsProps) {
  const [open, setOpen] = useState<string | null>(null);
  const whole = Math.max(1, bounds.until - bounds.from);
  const marks = [0, 0.25, 0.5, 0.75, 1];
  return (
    <section class="block">
      <h2>{title}</h2>
      <div class="waterfall">
        <div class="fall-scale" aria-hidden="true">
          {marks.map((mark) => (
            <span key={mark} style={{ left: `${mark * 100}%` }}>
              {millis(Math.round(whole * mark))}
            </span>
          ))}
        </div>
        <ol>
          {bars.map((bar) => {
            const start = Date.parse(bar.start) - bounds.from;
            const end = (bar.end === null ? bounds.until : Date.parse(bar.end)) - bounds.from;
            const took = end - start;
            const look =
              bar.end === null ? 'is-running' : BAD.has(bar.outcome ?? '') ? 'is-bad' : took === 0 ? 'is-instant' : '';
            return (
              <li key={bar.key}>
                <button
                  type="button"
                  class="fall-row"
                  aria-expanded={open === bar.key}
                  onClick={() => setOpen(open === bar.key ? null : bar.key)}
                >
                  <span class="fall-name">
                    {bar.name}
                    {bar.note !== '' && <span class="muted"> {bar.note}</span>}
                  </span>
                  <span class="fall-track" aria-hidden="true">
                    <span
                      class={`fall-bar ${look}`}
                      style={{
                        left: `min(${(start / whole) * 100}%, calc(100% - 3px))`,
                        width: `${(took / whole) * 100}%`,
                      }}
                    />
                  </span>
                  <span class="fall-took">{bar.end === null ? 'running' : millis(took)}</span>
                  <span class={`fall-outcome${BAD.has(bar.outcome ?? '') ? ' is-bad' : ''}`}>{bar.outcome ?? ''}</span>
                </button>
                {open === bar.key && (
                  <div class="fall-detail">
                    <p class="muted">
                      {clock(bar.start)}
                      {bar.end !== null && bar.end !== bar.start && ` to ${clock(bar.end)}`}
                    </p>
                    <JsonTree value={bar.detail} />
                  </div>
                )}
              </li>
            );
          })}
        </ol>
      </div>
    </section>
  );
}
