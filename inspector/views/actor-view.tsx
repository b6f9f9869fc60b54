// SPDX-License-Identifier: Apache-2.0
// One actor: its chart, lit where it stands; what it holds, what waits for it, what it did last.

import { useSignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { get, Refused } from '../api.ts';
import { type Chart, type ChartNode, nodesOf, readChart, withAncestors } from '../chart/definition.ts';
import { count, dateTime, millis, span } from '../format.ts';
import { useRepeat } from '../live.ts';
import { linkTo } from '../route.ts';
import { caller, holds } from '../session.ts';
import { listen } from '../stream.ts';
import type { ActorInside, Transition } from '../wire.ts';
import { ChartView, type Fired } from './chart.tsx';
import { JsonTree } from './json-tree.tsx';
import { Empty, Notice } from './notice.tsx';
import { RecentSteps } from './recent-steps.tsx';
import { SessionTurns } from './session-turns.tsx';
import { Address, State } from './state.tsx';

/** How often it is asked for as a whole, in milliseconds. */
const REFRESH_MS = 1_000;
/** Steps that glow at once, and for how long, in milliseconds. */
const FIRED_MOST = 24;
const GLOW_MS = 1_600;
/** Children that are linked. */
const CHILDREN_SHOWN = 60;

export function ActorView({ address }: { readonly address: string }) {
  const actor = useSignal<ActorInside | null>(null);
  const failed = useSignal<string | null>(null);
  const gone = useSignal(false);
  const fired = useSignal<readonly Fired[]>([]);
  const reveal = useSignal(false);
  const nth = useRef(0);
  const path = `/debug/actors/${address.split('/').map(encodeURIComponent).join('/')}`;

  useRepeat(
    `actor ${address} ${reveal.value}`,
    REFRESH_MS,
    async (within) => {
      try {
        const got = await get<ActorInside>(`${path}${reveal.value ? '?reveal=true' : ''}`, within);
        gone.value = false;
        // What the stream told meanwhile is not taken back by an answer that was on its way.
        if (actor.value === null || got.processed >= actor.value.processed || got.since !== actor.value.since)
          actor.value = got;
      } catch (thrown) {
        if (!(thrown instanceof Refused) || thrown.problem.status !== 404) throw thrown;
        gone.value = true;
      }
    },
    (why) => {
      failed.value = why;
    },
  );

  useEffect(() => {
    let waiting: Transition[] = [];
    let asked = 0;
    const timers = new Set<ReturnType<typeof setTimeout>>();
    const show = (): void => {
      asked = 0;
      const steps = waiting;
      waiting = [];
      const fresh = steps.slice(-FIRED_MOST).map((step) => {
        nth.current += 1;
        return { nth: nth.current, step };
      });
      fired.value = [...fired.value, ...fresh].slice(-FIRED_MOST);
      const until = nth.current;
      const timer = setTimeout(() => {
        timers.delete(timer);
        fired.value = fired.value.filter((one) => one.nth > until);
      }, GLOW_MS);
      timers.add(timer);
      const last = steps.at(-1);
      const { value } = actor;
      if (value === null || last === undefined) return;
      const told = steps.map(({ address: _, ...step }) => ({ ...step, took_us: Number.NaN }));
      actor.value = {
        ...value,
        state: last.to_state,
        processed: value.processed + steps.length,
        last_event: { type: last.event, at: last.at },
        recent: [...value.recent, ...told].slice(-64),
      };
    };
    const stop = listen(
      { address },
      {
        step: (step) => {
          waiting.push(step);
          if (waiting.length > 256) waiting = waiting.slice(-128);
          if (asked === 0) asked = requestAnimationFrame(show);
        },
      },
    );
    return () => {
      stop();
      cancelAnimationFrame(asked);
      for (const timer of timers) clearTimeout(timer);
    };
  }, [address, actor, fired]);

  const { value } = actor;
  if (value === null)
    return (
      <section class="panel" aria-busy={!gone.value}>
        <BackLink />
        {gone.value ? (
          <Empty>There is no actor {address}. It may have ended, or never was.</Empty>
        ) : (
          <Notice why={failed.value} />
        )}
      </section>
    );
  const mayReveal = caller.value === null || holds(caller.value.permissions, 'admin:*');
  return (
    <section class="panel" aria-label={`Actor ${address}`}>
      <BackLink />
      <header class="actor-head">
        <h1>
          <Address of={value.address} />
        </h1>
        <State kind={value.kind} value={value.state} />
      </header>
      <Notice why={gone.value ? 'This actor is gone; what is shown is the last that was known of it.' : failed.value} />
      <Facts actor={value} />
      <ChartSection actor={value} fired={fired.value} />
      <div class="columns">
        <section class="block">
          <div class="block-head">
            <h2>Context</h2>
            {mayReveal && (
              <label class="switch">
                <input
                  type="checkbox"
                  checked={reveal.value}
                  onChange={(event) => {
                    reveal.value = event.currentTarget.checked;
                  }}
                />
                Show message text
              </label>
            )}
          </div>
          <JsonTree value={value.context ?? {}} />
        </section>
        <div>
          {value.kind === 'session' && (
            <SessionTurns session={value.id} processed={value.processed} context={value.context} />
          )}
          <Children actor={value} />
        </div>
      </div>
    </section>
  );
}

function BackLink() {
  return (
    <a class="back" href={linkTo('actors')}>
      All actors
    </a>
  );
}

function Facts({ actor }: { readonly actor: ActorInside }) {
  const { thread, parent, since, uptime_s, mailbox, processed, failed, restarts } = actor;
  const waits = mailbox.depth === 0 ? 'empty' : `${count(mailbox.depth)} of ${count(mailbox.capacity)}`;
  return (
    <dl class="facts">
      <div>
        <dt>Thread</dt>
        <dd>{thread}</dd>
      </div>
      <div>
        <dt>Parent</dt>
        <dd>{parent === null ? 'none' : <a href={linkTo('actors', parent)}>{parent}</a>}</dd>
      </div>
      <div>
        <dt>In this state since</dt>
        <dd>
          <time dateTime={since}>{dateTime(since)}</time>
        </dd>
      </div>
      <div>
        <dt>Up</dt>
        <dd>{actor.asleep ? 'asleep' : span(uptime_s)}</dd>
      </div>
      <div>
        <dt>Mailbox</dt>
        <dd class={mailbox.depth > 0 ? 'is-warm' : ''}>
          {waits}
          {mailbox.depth > 0 && `, oldest ${millis(mailbox.oldest_ms)}`}
        </dd>
      </div>
      <div>
        <dt>Handled</dt>
        <dd>{count(processed)}</dd>
      </div>
      <div>
        <dt>Failed</dt>
        <dd class={failed > 0 ? 'is-bad' : ''}>{count(failed)}</dd>
      </div>
      <div>
        <dt>Restarts</dt>
        <dd class={restarts > 0 ? 'is-bad' : ''}>{count(restarts)}</dd>
      </div>
    </dl>
  );
}

function ChartSection({ actor, fired }: { readonly actor: ActorInside; readonly fired: readonly Fired[] }) {
  const text = JSON.stringify(actor.machine ?? null);
  // The same definition comes with every answer: it is laid out once.
  const chart = useMemo(() => readChart(JSON.parse(text)), [text]);
  const chosen = useSignal<ChartNode | null>(null);
  const recent = <RecentSteps kind={actor.kind} steps={actor.recent} processed={actor.processed} />;
  if (chart === null)
    return (
      <>
        <section class="block">
          <h2>State chart</h2>
          <Empty>
            {actor.asleep ? 'It sleeps, and wakes with its next message.' : 'This actor has no state chart.'}
          </Empty>
        </section>
        {recent}
      </>
    );
  const looked = chosen.value !== null && chart.nodes.includes(chosen.value) ? chosen.value : null;
  return (
    <section class="block">
      <div class="block-head">
        <h2>State chart</h2>
        <p class="legend" aria-hidden="true">
          <span class="legend-lit">current</span>
          <span class="legend-fired">just fired</span>
          <span class="legend-taken">lately</span>
        </p>
      </div>
      <div class="chart-and-ways">
        <div class="chart-place">
          <ChartView
            chart={chart}
            state={actor.state}
            recent={actor.recent}
            fired={fired}
            chosen={looked}
            onChoose={(node) => {
              chosen.value = node;
            }}
          />
        </div>
        <div class="chart-beside">
          <Ways chart={chart} actor={actor} chosen={looked} />
          {recent}
        </div>
      </div>
    </section>
  );
}

/** What leads out of a state, in words: of the one that is chosen, else of the one it is in. */
function Ways({
  chart,
  actor,
  chosen,
}: {
  readonly chart: Chart;
  readonly actor: ActorInside;
  readonly chosen: ChartNode | null;
}) {
  const from = chosen === null ? nodesOf(chart, actor.state) : [chosen];
  const around = new Set(from.flatMap(withAncestors));
  const ways = chart.transitions.filter(({ source }) => around.has(source));
  const titles = from.map(({ path, key }) => (path === '' ? key : path)).join(', ');
  const effects = [
    ...new Set(
      from.flatMap(({ entry, exit }) => [
        ...entry.map((one) => `entry / ${one}`),
        ...exit.map((one) => `exit / ${one}`),
      ]),
    ),
  ];
  return (
    <div class="ways">
      <h3>
        From {titles}
        {chosen === null && <span class="ways-now"> (current)</span>}
      </h3>
      {effects.length > 0 && <p class="ways-effects">{effects.join(', ')}</p>}
      {ways.length === 0 ? (
        <Empty>Nothing leads on from here.</Empty>
      ) : (
        <ul>
          {ways.map(({ id, event, guard, targets, actions }) => (
            <li key={id}>
              <span class="ways-event">{event}</span>
              {guard !== null && <span class="ways-guard">if {guard}</span>}
              <span class="ways-to">
                {targets.length === 0
                  ? 'in place'
                  : `→ ${targets.map(({ path, key }) => (path === '' ? key : path)).join(', ')}`}
              </span>
              {actions.length > 0 && <span class="ways-actions">{actions.join(', ')}</span>}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Children({ actor: { children, children_total } }: { readonly actor: ActorInside }) {
  if (children_total === 0) return null;
  return (
    <section class="block">
      <h2>
        Children <span class="count">{count(children_total)}</span>
      </h2>
      <ul class="children">
        {children.slice(0, CHILDREN_SHOWN).map((child) => (
          <li key={child}>
            <a href={linkTo('actors', child)}>
              <Address of={child} />
            </a>
          </li>
        ))}
      </ul>
      {children_total > CHILDREN_SHOWN && <p class="hint">and {count(children_total - CHILDREN_SHOWN)} more</p>}
    </section>
  );
}
