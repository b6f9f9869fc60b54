// SPDX-License-Identifier: Apache-2.0
// The tree of actors, thread by thread: who they are, what they do, what waits for them.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import {
  actorOf,
  fetchNext,
  fetchTotals,
  filter,
  filtered,
  fold,
  folded,
  type Line,
  linesOf,
  moved,
  refresh,
  version,
} from '../actors-model.ts';
import { reasonOf, Unreachable } from '../api.ts';
import { ago, count } from '../format.ts';
import { now, reachable, useRepeat } from '../live.ts';
import { go, linkTo } from '../route.ts';
import { listen } from '../stream.ts';
import type { Actor } from '../wire.ts';
import { Empty, Notice } from './notice.tsx';
import { Address, State } from './state.tsx';
import { type Seen, VirtualList } from './virtual-list.tsx';

/** How often what is in view is fetched again, in milliseconds: the stream tells of steps, not of mailboxes and newcomers. */
const REFRESH_MS = 2_000;
const WIDE = 36;
const NARROW = 50;
/** Under this width of the list an actor has two lines. */
const NARROW_UNDER = 560;

export function ActorList({ selected }: { readonly selected: string }) {
  const seen = useRef<Seen>({ first: 0, last: 0 });
  const active = useSignal('');
  const failed = useSignal<string | null>(null);
  const quiet = useSignal<string | null>(null);
  const dropped = useSignal(0);
  const place = useRef<HTMLDivElement>(null);
  const drawnBefore = useRef(new Map<number, Drawn>());
  const [lineHeight, setLineHeight] = useState(WIDE);
  void version.value;
  const lines = linesOf();

  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setLineHeight(element.clientWidth < NARROW_UNDER ? NARROW : WIDE));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const inView = (): readonly Line[] => {
    const { first, last } = seen.current;
    const all = linesOf();
    return Array.from({ length: last - first + 1 }, (_, nth) => all.at(first + nth)).filter((one) => one !== undefined);
  };

  /** Pages are fetched one after the other until what is in view is there. */
  const fill = (): void => {
    if (!reachable.value) return;
    const missing = inView().find((line) => line.type === 'more');
    if (missing?.type !== 'more') return;
    fetchNext(missing.rows).then(fill, (thrown: unknown) => {
      if (!(thrown instanceof Unreachable)) failed.value = reasonOf(thrown);
    });
  };
  useEffect(fill);

  const key = JSON.stringify(filter.value);
  useRepeat(
    `list ${key}`,
    REFRESH_MS,
    async (within) => {
      await fetchTotals(within);
      fill();
      await refresh(inView(), within);
    },
    (why) => {
      failed.value = why;
    },
  );
  const { kind } = filter.value;
  useEffect(
    () =>
      listen(kind === '' ? {} : { kind }, {
        step: moved,
        dropped: (more) => {
          dropped.value += more;
        },
        state: (why) => {
          quiet.value = why;
        },
      }),
    [kind],
  );

  // What is looked at is where the keyboard goes on from.
  useEffect(() => {
    if (selected !== '') active.value = selected;
  }, [selected, active]);

  const keyOf = (index: number): string => lines.at(index)?.key ?? '';
  const on = active.value === '' ? -1 : lines.indexOf(active.value);
  // Whoever was waited for under the keyboard is known by name now, and stays under it.
  useEffect(() => {
    // A key may have been pressed since this was drawn.
    if (!active.value.startsWith('more ')) return;
    const all = linesOf();
    const there = all.at(all.indexOf(active.value));
    if (there?.type === 'actor') active.value = there.key;
  });
  const open = (line: Line | undefined): void => {
    if (line?.type === 'actor') go('actors', actorOf(line)?.address ?? '');
    if (line?.type === 'thread') fold(line.thread);
  };
  const keyed = (pressed: string, index: number): boolean => {
    const line = lines.at(index);
    if (pressed === 'Enter' || pressed === ' ') open(line);
    else if (pressed === 'ArrowLeft' && line?.type === 'thread') fold(line.thread, true);
    else if (pressed === 'ArrowRight' && line?.type === 'thread') fold(line.thread, false);
    else if (pressed === 'ArrowLeft' && line?.type === 'actor') active.value = `thread ${line.rows.thread}`;
    else return false;
    return true;
  };

  const drawn = (index: number, top: number, slot: number) => {
    const line = lines.at(index);
    if (line === undefined) return null;
    const common = {
      id: idOf(line.key),
      'aria-rowindex': index + 1,
      style: { transform: `translateY(${top}px)`, height: `${lineHeight}px` },
    } as const;
    const focused = index === on ? ' is-active' : '';
    if (line.type === 'thread') {
      const away = folded.value.has(line.thread);
      return (
        <div
          {...common}
          key={slot}
          class={`line line-thread${focused}`}
          role="row"
          aria-level={1}
          aria-expanded={!away}
          onClick={() => {
            active.value = line.key;
            fold(line.thread);
          }}
        >
          <span role="gridcell" class="thread-name">
            <span class={away ? 'twist is-away' : 'twist'} aria-hidden="true" />
            {line.thread}
          </span>
          <span role="gridcell" class="thread-count">
            {line.count === null ? '' : count(line.count)}
          </span>
        </div>
      );
    }
    const actor = actorOf(line);
    if (actor === undefined)
      return (
        <div {...common} key={slot} class="line line-more" role="row" aria-level={2} aria-busy="true">
          <span role="gridcell" class="bone" />
        </div>
      );
    const flags = `${focused}${actor.address === selected ? ' is-selected' : ''}`;
    const before = drawnBefore.current.get(slot);
    // The same as before is not looked at again: most lines are, in most frames.
    if (before?.actor === actor && before.top === top && before.flags === flags && before.lineHeight === lineHeight)
      return before.drawn;
    const onOpen = (): void => {
      active.value = line.key;
    };
    const fresh = <ActorLine key={slot} actor={actor} common={common} flags={flags} onOpen={onOpen} />;
    drawnBefore.current.set(slot, { actor, top, flags, lineHeight, drawn: fresh });
    return fresh;
  };

  return (
    <div class="actor-list" ref={place}>
      <Notice why={failed.value} />
      {quiet.value !== null && (
        <p class="hint">Steps are not told at present ({quiet.value}); the list is asked for.</p>
      )}
      {dropped.value > 0 && <p class="hint">{count(dropped.value)} steps were too many to show one by one.</p>}
      {lines.length === 0 && <Empty>{filtered.value ? 'No actor is like that.' : 'Asking for the actors…'}</Empty>}
      {lines.length > 0 && (
        <div class="line line-actor line-heads" aria-hidden="true">
          <span>Actor</span>
          <span>State</span>
          <span class="line-mail">Mailbox</span>
          <span class="line-done">Handled</span>
          <span class="line-trouble" />
          <span class="line-last">Last event</span>
        </div>
      )}
      <VirtualList
        label="Actors by thread"
        length={lines.length}
        lineHeight={lineHeight}
        active={on}
        onActive={(index) => {
          active.value = keyOf(index);
        }}
        onKey={keyed}
        onSeen={(now) => {
          seen.current = now;
          fill();
        }}
        line={drawn}
        idOf={(index) => idOf(keyOf(index))}
      />
    </div>
  );
}

function idOf(key: string): string {
  return `line-${key.replaceAll(/[^A-Za-z0-9_-]/g, '_')}`;
}

/** What stands in a slot, and what it was made from. */
interface Drawn {
  readonly actor: Actor;
  readonly top: number;
  readonly flags: string;
  readonly lineHeight: number;
  readonly drawn: JSX.Element;
}

interface ActorLineProps {
  readonly actor: Actor;
  readonly common: Readonly<Record<string, unknown>>;
  readonly flags: string;
  readonly onOpen: () => void;
}

function ActorLine({ actor, common, flags, onOpen }: ActorLineProps) {
  const { address, kind, state, mailbox, processed, failed, restarts, last_event } = actor;
  const { depth, capacity } = mailbox;
  // Only what happens while it stands here is seen to happen.
  const first = useRef({ address, processed });
  if (first.current.address !== address) first.current = { address, processed };
  const stirs = processed !== first.current.processed;
  const flash = stirs ? (processed % 2 === 0 ? ' flash-even' : ' flash-odd') : '';
  const trouble = [failed > 0 ? `${count(failed)} failed` : '', restarts > 0 ? `${count(restarts)} restarts` : ''];
  return (
    <div {...common} class={`line line-actor${flags}`} role="row" aria-level={2} onClick={onOpen}>
      <span role="gridcell" class="line-who">
        <a class="line-link" href={linkTo('actors', address)} tabIndex={-1}>
          <Address of={address} />
        </a>
      </span>
      {/* Each step begins the flash anew: the two animations look the same. */}
      <span role="gridcell" class={`line-state${flash}`}>
        <State kind={kind} value={state} />
      </span>
      <span
        role="gridcell"
        class={depth > 0 ? 'line-mail has-mail' : 'line-mail'}
        title={`mailbox: ${depth} of ${capacity}`}
      >
        {depth > 0 && (
          <span class="mail-bar" aria-hidden="true">
            <span style={{ width: `${Math.min(100, (depth / Math.max(1, capacity)) * 100)}%` }} />
          </span>
        )}
        {count(depth)}
      </span>
      <span role="gridcell" class="line-done" title="events handled">
        {count(processed)}
      </span>
      <span role="gridcell" class="line-trouble">
        {trouble.filter((text) => text !== '').join(', ')}
      </span>
      <span role="gridcell" class="line-last">
        {last_event !== null && (
          <>
            <span class="line-event">{last_event.type}</span>
            <time class="line-ago" dateTime={last_event.at}>
              {ago(last_event.at, now.value)}
            </time>
          </>
        )}
      </span>
    </div>
  );
}
