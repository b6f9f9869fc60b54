// SPDX-License-Identifier: Apache-2.0
// A state as it is shown everywhere: its name, and a mark whose shape and colour say in what spirit.

import { stateText, type Tone, toneOf } from '../state-text.ts';
import type { StateValue } from '../wire.ts';

/** Its shape is drawn by the style sheet: no two tones have the same outline, for those who see no colours. */
export function Mark({ tone }: { readonly tone: Tone }) {
  return <span class={`mark tone-${tone}`} aria-hidden="true" />;
}

export function State({ kind, value }: { readonly kind: string; readonly value: StateValue }) {
  const tone = toneOf(kind, value);
  const text = stateText(value);
  return (
    <span class={`state tone-${tone}`} title={text}>
      <Mark tone={tone} />
      <span class="state-name">{text}</span>
    </span>
  );
}

/** An address: its kind is said less loudly than whose it is. */
export function Address({ of }: { readonly of: string }) {
  const slash = of.indexOf('/');
  return (
    <span class="address" title={of}>
      <span class="address-kind">{of.slice(0, slash + 1)}</span>
      {of.slice(slash + 1)}
    </span>
  );
}
