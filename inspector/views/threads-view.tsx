// SPDX-License-Identifier: Apache-2.0
// The threads: how late their loops are, how busy, how large, what they carry, and how often they were replaced.

import { signal, useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { get } from '../api.ts';
import { bytes, count, dateTime, many, millis, percent } from '../format.ts';
import { useRepeat } from '../live.ts';
import type { Thread, Threads } from '../wire.ts';
import { Notice } from './notice.tsx';
import { Sparkline } from './sparkline.tsx';
import { State } from './state.tsx';

/** The gateway measures each second. */
const EVERY_MS = 1_000;
/** Seconds kept, and how many the width stands for at least. */
const KEPT = 120;
const FEWEST = 24;

/** Kept while the page is open, so that whoever comes back finds what they saw. */
const history = signal<ReadonlyMap<string, readonly Thread[]>>(new Map());

export function ThreadsView() {
  const failed = useSignal<string | null>(null);
  useRepeat(
    'threads',
    EVERY_MS,
    async (within) => {
      const { items } = await get<Threads>('/debug/threads', within);
      history.value = new Map(
        items.map((item) => [item.name, [...(history.value.get(item.name) ?? []), item].slice(-KEPT)]),
      );
    },
    (why) => {
      failed.value = why;
    },
  );
  return (
    <section class="page" aria-label="Threads">
      <h1>Threads</h1>
      <p class="lead">Each runs the actors placed on it. The lines are what was seen here of the last two minutes.</p>
      <Notice why={failed.value} />
      <div class="threads" role="table" aria-label="Threads and their figures">
        <div class="thread-row thread-heads" role="row">
          {['Thread', 'Event-loop delay, p50 · p99', 'Busy', 'Heap', 'Messages in', 'Messages out', 'Restarts'].map(
            (title) => (
              <span key={title} role="columnheader">
                {title}
              </span>
            ),
          )}
        </div>
        {[...history.value].map(([name, seen]) => (
          <ThreadRow key={name} seen={seen} />
        ))}
      </div>
    </section>
  );
}

function ThreadRow({ seen }: { readonly seen: readonly Thread[] }) {
  const newest = seen.at(-1);
  if (newest === undefined) return null;
  const { name, state, actors, loop_delay_ms, utilisation, heap_bytes, restarts, last_restart } = newest;
  const shows = state === 'up';
  return (
    <div class={`thread-row${shows ? '' : ' is-quiet'}`} role="row">
      <div role="rowheader" class="thread-id">
        <strong>{name}</strong>
        <State kind="thread" value={state} />
        <span class="muted">{many(actors, 'actor')}</span>
      </div>
      <Figure
        title="Loop delay, p50 · p99"
        seen={seen}
        of={(one) => one.loop_delay_ms.p99}
        under={(one) => one.loop_delay_ms.p50}
        atLeast={5}
        label="Event-loop delay, 99th percentile and median"
        hidden={!shows}
      >
        {millis(loop_delay_ms.p50)} <span class="muted">·</span> <b>{millis(loop_delay_ms.p99)}</b>
      </Figure>
      <Figure
        title="Busy"
        seen={seen}
        of={(one) => one.utilisation}
        atLeast={1}
        label="Share of time the loop was busy"
        hidden={!shows}
      >
        <b>{percent(utilisation)}</b>
      </Figure>
      <Figure title="Heap" seen={seen} of={(one) => one.heap_bytes} atLeast={1} label="Heap" hidden={!shows}>
        <b>{bytes(heap_bytes)}</b>
      </Figure>
      <Figure
        title="Messages in"
        seen={seen}
        of={(one) => one.messages_in_per_s}
        atLeast={10}
        label="Messages in per second"
        hidden={!shows}
      >
        <b>{count(newest.messages_in_per_s)}</b> <span class="muted">/s</span>
      </Figure>
      <Figure
        title="Messages out"
        seen={seen}
        of={(one) => one.messages_out_per_s}
        atLeast={10}
        label="Messages out per second"
        hidden={!shows}
      >
        <b>{count(newest.messages_out_per_s)}</b> <span class="muted">/s</span>
      </Figure>
      <div role="cell" class="thread-restarts">
        <span class="cell-title">Restarts</span>
        <b class={restarts > 0 ? 'is-bad' : 'muted'}>{count(restarts)}</b>
        {last_restart !== null && (
          <span class="muted">
            {' '}
            {last_restart.reason.replaceAll('_', ' ')}, {dateTime(last_restart.at)}
          </span>
        )}
      </div>
    </div>
  );
}

interface FigureProps {
  readonly title: string;
  readonly seen: readonly Thread[];
  readonly of: (thread: Thread) => number;
  /** A second figure, drawn below the first. */
  readonly under?: (thread: Thread) => number;
  readonly atLeast: number;
  readonly label: string;
  readonly hidden: boolean;
  readonly children: ComponentChildren;
}

function Figure({ title, seen, of, under, atLeast, label, hidden, children }: FigureProps) {
  return (
    <div role="cell" class="figure">
      <span class="cell-title">{title}</span>
      {hidden ? (
        <span class="muted">–</span>
      ) : (
        <>
          <span class="figure-text">{children}</span>
          <Sparkline
            values={seen.map(of)}
            under={under === undefined ? [] : seen.map(under)}
            room={Math.max(FEWEST, seen.length)}
            atLeast={atLeast}
            label={label}
          />
        </>
      )}
    </div>
  );
}
