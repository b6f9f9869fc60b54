// SPDX-License-Identifier: Apache-2.0
// The page begins here: who looks, then what they see.

import { effect } from '@preact/signals';
import { render } from 'preact';
import { access, returns } from './api.ts';
import { listenToKeys } from './keys.ts';
import { route } from './route.ts';
import { begin } from './session.ts';
import { Shell } from './views/shell.tsx';
import './theme.ts';

const place = document.getElementById('app');
if (place === null) throw new Error('the page has no place for the inspector');
place.replaceChildren();
render(<Shell />, place);
listenToKeys();

effect(() => {
  const { view, of } = route.value;
  document.title = `${of === '' ? `${view.charAt(0).toUpperCase()}${view.slice(1)}` : of} · Sigil inspector`;
});

// A link of `sigil open` may be followed in a page that is open already.
addEventListener('hashchange', () => {
  if (location.hash.startsWith('#code=')) void begin();
});

// Whoever could not be known because the gateway was gone is known once it is back.
effect(() => {
  void returns.value;
  if (access.peek().state === 'unknown') void begin();
});
