// SPDX-License-Identifier: Apache-2.0
// Light, dark, or as the system has it: what was chosen is kept in the browser.

import { effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

const KEPT = 'sigil.inspector.theme';
const NEXT: Readonly<Record<Theme, Theme>> = { system: 'light', light: 'dark', dark: 'system' };

/** A browser that keeps nothing is no reason to show nothing. */
function kept(): Theme {
  try {
    const theme = localStorage.getItem(KEPT);
    return theme === 'light' || theme === 'dark' ? theme : 'system';
  } catch {
    return 'system';
  }
}

export const theme = signal<Theme>(kept());

effect(() => {
  const { documentElement } = document;
  if (theme.value === 'system') delete documentElement.dataset['theme'];
  else documentElement.dataset['theme'] = theme.value;
  try {
    if (theme.value === 'system') localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, theme.value);
  } catch {
    // It holds until the page is closed.
  }
});

export function nextTheme(): void {
  theme.value = NEXT[theme.value];
}
