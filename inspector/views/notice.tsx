// SPDX-License-Identifier: Apache-2.0
// What went wrong where something would otherwise be shown, and what stands where there is nothing.

import type { ComponentChildren } from 'preact';

export function Notice({ why }: { readonly why: string | null }) {
  if (why === null) return null;
  return (
    <p class="notice" role="alert">
      {why}
    </p>
  );
}

export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}
