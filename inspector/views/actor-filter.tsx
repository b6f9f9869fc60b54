// SPDX-License-Identifier: Apache-2.0
// Which actors are listed: by a part of their address, their kind, thread and state.

import { useEffect, useState } from 'preact/hooks';
import { type Filter, filter, filtered, NO_FILTER, totals, unreachable } from '../actors-model.ts';
import { count } from '../format.ts';
import { go } from '../route.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** After the last letter, in milliseconds. */
const TYPED_MS = 180;

function set(change: Partial<Filter>): void {
  filter.value = { ...filter.value, ...change };
}

export function ActorFilter() {
  const [typed, setTyped] = useState(filter.value.q);
  useEffect(() => {
    const wanted = typed.trim();
    if (wanted === filter.value.q) return undefined;
    const timer = setTimeout(() => set({ q: wanted }), TYPED_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  const known = totals.value;
  const id = typed.trim();
  return (
    <search class="filters">
      <div class="search">
        <input
          id="search"
          type="search"
          placeholder="Search addresses, or paste a turn's id"
          aria-label="Search actors by address, or a turn by its id"
          autocomplete="off"
          spellcheck={false}
          value={typed}
          onInput={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && UUID.test(id)) go('turns', id.toLowerCase());
            if (event.key === 'Escape') {
              setTyped('');
              event.currentTarget.blur();
            }
          }}
        />
        <kbd>/</kbd>
      </div>
      <Choice name="kind" all="All kinds" of={known?.by_kind} />
      <Choice name="thread" all="All threads" of={known?.by_thread} />
      <Choice name="state" all="All states" of={known?.by_state} />
      {filtered.value && (
        <button
          type="button"
          class="quiet"
          onClick={() => {
            setTyped('');
            filter.value = NO_FILTER;
          }}
        >
          Clear
        </button>
      )}
      {UUID.test(id) && (
        <p class="hint">
          Is it a turn? <a href={`#/turns/${id.toLowerCase()}`}>Show its steps</a> (Enter).
        </p>
      )}
      {unreachable.value.length > 0 && (
        <p class="hint is-bad" role="status">
          No answer from {unreachable.value.join(', ')}: what lives there is missing.
        </p>
      )}
    </search>
  );
}

interface ChoiceProps {
  readonly name: 'kind' | 'thread' | 'state';
  readonly all: string;
  readonly of: Readonly<Record<string, number>> | undefined;
}

function Choice({ name, all, of }: ChoiceProps) {
  const value = filter.value[name];
  const found = Object.entries(of ?? {}).filter(([, number]) => number > 0);
  // What is chosen stays to be seen when nobody is like that any more.
  const entries = value === '' || found.some(([one]) => one === value) ? found : [...found, [value, 0] as const];
  return (
    <select
      aria-label={`Filter by ${name}`}
      class={value === '' ? '' : 'is-set'}
      value={value}
      onChange={(event) => set({ [name]: event.currentTarget.value })}
    >
      <option value="">{all}</option>
      {[...entries]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([one, number]) => (
          <option key={one} value={one}>
            {one} ({count(number)})
          </option>
        ))}
    </select>
  );
}
