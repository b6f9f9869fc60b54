// SPDX-License-Identifier: Apache-2.0
// What is shown, as the address says it: `#/actors/session/…`, `#/threads`, `#/bus`, `#/turns/…`.

import { signal } from '@preact/signals';

export type View = 'actors' | 'threads' | 'bus' | 'turns';

export interface Route {
  readonly view: View;
  /** An actor's address or a turn's id; empty for none. */
  readonly of: string;
}

export const VIEWS: readonly { readonly view: View; readonly title: string; readonly key: string }[] = [
  { view: 'actors', title: 'Actors', key: 'a' },
  { view: 'threads', title: 'Threads', key: 't' },
  { view: 'bus', title: 'Bus', key: 'b' },
  { view: 'turns', title: 'Turns', key: 'u' },
];

function read(): Route {
  const [, view = '', of = ''] = /^#\/([a-z]+)(?:\/(.*))?$/.exec(location.hash) ?? [];
  const known = VIEWS.find((one) => one.view === view)?.view ?? 'actors';
  return { view: known, of: known === 'actors' || known === 'turns' ? unescaped(of) : '' };
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export const route = signal<Route>(read());
addEventListener('hashchange', () => {
  route.value = read();
});

/** The link to a view, or to something in it. */
export function linkTo(view: View, of = ''): string {
  return of === '' ? `#/${view}` : `#/${view}/${of.split('/').map(encodeURIComponent).join('/')}`;
}

export function go(view: View, of = ''): void {
  location.hash = linkTo(view, of);
}
