// SPDX-License-Identifier: Apache-2.0
// The last events of an actor, newest first: when, what, where it led, and how long it took.

import { clock, count, micros } from '../format.ts';
import { stateText } from '../state-text.ts';
import type { Step } from '../wire.ts';
import { Empty } from './notice.tsx';
import { State } from './state.tsx';

export interface RecentStepsProps {
  readonly kind: string;
  readonly steps: readonly Step[];
  /** All it ever handled: by it each row keeps its identity while the list moves. */
  readonly processed: number;
}

export function RecentSteps({ kind, steps, processed }: RecentStepsProps) {
  const slowest = Math.max(1, ...steps.map(({ took_us }) => (Number.isNaN(took_us) ? 0 : took_us)));
  return (
    <section class="block">
      <div class="block-head">
        <h2>Recent events</h2>
        <span class="count">
          last {steps.length} of {count(processed)}
        </span>
      </div>
      {steps.length === 0 ? (
        <Empty>It has not handled any yet.</Empty>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is to be reached by the keyboard
        <div class="scroll" tabIndex={0} role="region" aria-label="Recent events">
          <table class="steps">
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Event</th>
                <th scope="col">State</th>
                <th scope="col" class="number">
                  Took
                </th>
              </tr>
            </thead>
            <tbody>
              {steps.toReversed().map((step, nth) => (
                <tr key={processed - nth}>
                  <td class="when">
                    <time dateTime={step.at}>{clock(step.at)}</time>
                  </td>
                  <td class="what">{step.event}</td>
                  <td class="where">
                    <Led kind={kind} step={step} />
                  </td>
                  <td class="number took">
                    <span
                      class="took-bar"
                      aria-hidden="true"
                      style={{ width: `${((step.took_us || 0) / slowest) * 100}%` }}
                    />
                    <span>{Number.isNaN(step.took_us) ? '…' : micros(step.took_us)}</span>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function Led({ kind, step: { from_state, to_state } }: { readonly kind: string; readonly step: Step }) {
  const [from, to] = [stateText(from_state), stateText(to_state)];
  if (from === to) return <span class="stayed">{to}</span>;
  return (
    <>
      <span class="came-from">{from} →</span> <State kind={kind} value={to_state} />
    </>
  );
}
