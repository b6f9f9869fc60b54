// SPDX-License-Identifier: Apache-2.0
// The keys of the whole page. What a list or a field does with its own keys is theirs.

import { signal } from '@preact/signals';
import { paused } from './live.ts';
import { go, route, VIEWS } from './route.ts';
import { nextTheme } from './theme.ts';

/** Whether the list of keys is shown. */
export const helping = signal(false);

export const KEYS: readonly { readonly keys: readonly string[]; readonly does: string }[] = [
  { keys: ['g', 'a'], does: 'Actors' },
  { keys: ['g', 't'], does: 'Threads' },
  { keys: ['g', 'b'], does: 'Bus' },
  { keys: ['g', 'u'], does: 'Turns' },
  { keys: ['/'], does: 'Search' },
  { keys: ['↑', '↓'], does: 'Move in the list (also k, j, Page, Home, End)' },
  { keys: ['Enter'], does: 'Open an actor, fold a thread' },
  { keys: ['←', '→'], does: 'Fold and unfold a thread' },
  { keys: ['Esc'], does: 'Back to the list, out of a field' },
  { keys: ['p'], does: 'Pause and go on' },
  { keys: ['d'], does: 'Dark, light, as the system' },
  { keys: ['?'], does: 'These keys' },
];

/** How long after `g` its second key counts, in milliseconds. */
const SECOND_MS = 1_500;
let led = Number.NEGATIVE_INFINITY;

const typing = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(?:input|textarea|select)$/i.test(target.tagName));

function focusOn(selector: string): void {
  document.querySelector<HTMLElement>(selector)?.focus();
}

/** Listens for the life of the page. */
export function listenToKeys(): void {
  addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || typing(event.target)) return;
    // The dialog itself says so: it is closed before anybody is told that it was.
    if (event.key !== '?' && document.querySelector('dialog[open]') !== null) return;
    if (pressed(event.key, event.timeStamp)) event.preventDefault();
  });
}

function pressed(key: string, at: number): boolean {
  if (at - led < SECOND_MS) {
    led = Number.NEGATIVE_INFINITY;
    const view = VIEWS.find((one) => one.key === key);
    if (view !== undefined) go(view.view);
    return view !== undefined;
  }
  switch (key) {
    case 'g':
      led = at;
      return true;
    case '/':
      focusOn(route.value.view === 'turns' ? '#turn-search' : '#search');
      return true;
    case 'p':
      paused.value = !paused.value;
      return true;
    case 'd':
      nextTheme();
      return true;
    case '?':
      helping.value = !helping.value;
      return true;
    case 'Escape':
      if (route.value.of === '') return false;
      go(route.value.view);
      focusOn('.list');
      return true;
    case 'ArrowDown':
    case 'j':
      // From nowhere in particular the arrows lead into the list.
      focusOn('.list');
      return document.querySelector('.list') !== null;
    default:
      return false;
  }
}
