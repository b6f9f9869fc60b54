// SPDX-License-Identifier: Apache-2.0
// The bus: what travels to each kind of actor, what is waited for, and what found nobody, with the reason.

import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { get } from '../api.ts';
import { clock, count } from '../format.ts';
import { useRepeat } from '../live.ts';
import { linkTo } from '../route.ts';
import type { Bus, BusKind } from '../wire.ts';
import { Empty, Notice } from './notice.tsx';
import { Address } from './state.tsx';

const EVERY_MS = 2_000;

interface Rates {
  readonly [kind: string]: { readonly sent: number; readonly delivered: number };
}

export function BusView() {
  const bus = useSignal<Bus | null>(null);
  const rates = useSignal<Rates>({});
  const failed = useSignal<string | null>(null);
  const before = useRef<{ readonly bus: Bus; readonly at: number } | null>(null);
  useRepeat(
    'bus',
    EVERY_MS,
    async (within) => {
      const got = await get<Bus>('/debug/bus', within);
      const at = performance.now();
      const last = before.current;
      if (last !== null) rates.value = ratesOf(last.bus, got, (at - last.at) / 1000);
      before.current = { bus: got, at };
      bus.value = got;
    },
    (why) => {
      failed.value = why;
    },
  );
  const kinds = Object.entries(bus.value?.by_kind ?? {}).sort(
    ([one, a], [other, b]) => Number(b.sent > 0) - Number(a.sent > 0) || (one < other ? -1 : 1),
  );
  const letters = bus.value?.dead_letters.toReversed() ?? [];
  return (
    <section class="page" aria-label="Bus">
      <h1>Bus</h1>
      <p class="lead">Messages by the kind of actor they go to, since the threads began.</p>
      <Notice why={failed.value} />
      {(bus.value?.unreachable?.length ?? 0) > 0 && (
        <p class="hint is-bad">No answer from {bus.value?.unreachable?.join(', ')}: their share is missing.</p>
      )}
      <div class="scroll-x">
        <table class="figures">
          <thead>
            <tr>
              <th scope="col">To</th>
              <th scope="col" class="number">
                Sent
              </th>
              <th scope="col" class="number">
                /s
              </th>
              <th scope="col" class="number">
                Delivered
              </th>
              <th scope="col" class="number">
                /s
              </th>
              <th scope="col" class="number">
                Asks in flight
              </th>
              <th scope="col" class="number">
                Timeouts
              </th>
              <th scope="col" class="number">
                Dead letters
              </th>
            </tr>
          </thead>
          <tbody>
            {kinds.map(([kind, figures]) => (
              <KindRow key={kind} kind={kind} figures={figures} rate={rates.value[kind]} />
            ))}
          </tbody>
        </table>
      </div>
      <h2>
        Dead letters <span class="count">{count(letters.length)}</span>
      </h2>
      {letters.length === 0 ? (
        <Empty>Every message found its actor.</Empty>
      ) : (
        <div class="scroll-x">
          <table class="letters">
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Message</th>
                <th scope="col">From</th>
                <th scope="col">To</th>
                <th scope="col">Reason</th>
              </tr>
            </thead>
            <tbody>
              {letters.map(({ at, type, from, to, reason }, nth) => (
                <tr key={`${at} ${to} ${letters.length - nth}`}>
                  <td class="when">
                    <time dateTime={at}>{clock(at)}</time>
                  </td>
                  <td class="what">{type}</td>
                  <td>
                    <Address of={from} />
                  </td>
                  <td>
                    <a href={linkTo('actors', to)}>
                      <Address of={to} />
                    </a>
                  </td>
                  <td class="is-bad">{reason}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function ratesOf(last: Bus, got: Bus, seconds: number): Rates {
  const perSecond = (one: number, other: number): number => Math.max(0, Math.round((other - one) / seconds));
  return Object.fromEntries(
    Object.entries(got.by_kind).map(([kind, { sent, delivered }]) => {
      const was = last.by_kind[kind];
      return [
        kind,
        { sent: perSecond(was?.sent ?? sent, sent), delivered: perSecond(was?.delivered ?? delivered, delivered) },
      ];
    }),
  );
}

interface KindRowProps {
  readonly kind: string;
  readonly figures: BusKind;
  readonly rate: Rates[string] | undefined;
}

function KindRow({ kind, figures, rate }: KindRowProps) {
  const { sent, delivered, asks_in_flight, timeouts, dead_letters } = figures;
  const figure = (value: number, look = ''): string => `number${value === 0 ? ' is-zero' : look}`;
  return (
    <tr>
      <th scope="row">{kind}</th>
      <td class={figure(sent)}>{count(sent)}</td>
      <td class={figure(rate?.sent ?? 0)}>{rate === undefined ? '' : count(rate.sent)}</td>
      <td class={figure(delivered)}>{count(delivered)}</td>
      <td class={figure(rate?.delivered ?? 0)}>{rate === undefined ? '' : count(rate.delivered)}</td>
      <td class={figure(asks_in_flight)}>{count(asks_in_flight)}</td>
      <td class={figure(timeouts, ' is-bad')}>{count(timeouts)}</td>
      <td class={figure(dead_letters, ' is-bad')}>{count(dead_letters)}</td>
    </tr>
  );
}
