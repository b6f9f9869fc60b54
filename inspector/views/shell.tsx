// SPDX-License-Identifier: Apache-2.0
// What is around every view: where one is, whether it is live, and whether the gateway is there.

import { useSignal } from '@preact/signals';
import { access, get, link, lookNow } from '../api.ts';
import { count, span } from '../format.ts';
import { helping } from '../keys.ts';
import { now, paused, useRepeat } from '../live.ts';
import { linkTo, route, VIEWS } from '../route.ts';
import { caller, signOut } from '../session.ts';
import { nextTheme, theme } from '../theme.ts';
import type { Status } from '../wire.ts';
import { ActorFilter } from './actor-filter.tsx';
import { ActorList } from './actor-list.tsx';
import { ActorView } from './actor-view.tsx';
import { BusView } from './bus-view.tsx';
import { Help } from './help.tsx';
import { Forbidden, SignIn } from './sign-in.tsx';
import { State } from './state.tsx';
import { ThreadsView } from './threads-view.tsx';
import { TurnsView } from './turn-view.tsx';

const STATUS_MS = 5_000;

export function Shell() {
  const status = useSignal<Status | null>(null);
  const updated = useSignal(false);
  useRepeat('status', STATUS_MS, async (within) => {
    const got = await get<Status>('/api/v1/status', within);
    if (status.value !== null && status.value.commit !== got.commit) updated.value = true;
    status.value = got;
  });
  const { view } = route.value;
  const signedIn = access.value.state === 'granted';
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="top">
        <a class="brand" href={linkTo('actors')}>
          <Logo />
          Sigil <span>inspector</span>
        </a>
        <nav aria-label="Views">
          {VIEWS.map((one) => (
            <a key={one.view} href={linkTo(one.view)} aria-current={one.view === view ? 'page' : undefined}>
              {one.title}
            </a>
          ))}
        </nav>
        <div class="top-right">
          {status.value !== null && signedIn && (
            <span class="gateway" title={`version ${status.value.version}, commit ${status.value.commit}`}>
              <State kind="gateway" value={status.value.state} />
              <span class="muted">
                {count(status.value.actors.total)} actors, up {span(status.value.uptime_s)}
              </span>
            </span>
          )}
          {signedIn && <Live />}
          <button type="button" class="quiet" onClick={nextTheme} title="Dark, light, as the system (d)">
            {THEMES[theme.value]}
          </button>
          <button
            type="button"
            class="quiet"
            aria-label="Keys"
            title="Keys (?)"
            onClick={() => {
              helping.value = true;
            }}
          >
            ?
          </button>
          {caller.value !== null && (
            <button type="button" class="quiet" onClick={() => void signOut().catch(() => undefined)}>
              Sign out
            </button>
          )}
        </div>
      </header>
      <Lost />
      {updated.value && (
        <p class="banner" role="status">
          The gateway was updated.{' '}
          <button type="button" class="quiet" onClick={() => location.reload()}>
            Load the new page
          </button>
        </p>
      )}
      <main id="main" tabIndex={-1}>
        <Content />
      </main>
      <Help />
    </>
  );
}

const THEMES = { system: 'Auto', light: 'Light', dark: 'Dark' } as const;

function Content() {
  const { value } = access;
  switch (value.state) {
    case 'unknown':
      return <p class="boot">Looking for the gateway…</p>;
    case 'signed_out':
      return <SignIn why={value.why} />;
    case 'forbidden':
      return <Forbidden access={value} />;
    case 'granted':
      break;
  }
  const { view, of } = route.value;
  switch (view) {
    case 'actors':
      return (
        <div class={of === '' ? 'actors' : 'actors has-one'}>
          <div class="actors-left">
            <ActorFilter />
            <ActorList selected={of} />
          </div>
          {of !== '' && <ActorView key={of} address={of} />}
        </div>
      );
    case 'threads':
      return <ThreadsView />;
    case 'bus':
      return <BusView />;
    case 'turns':
      return <TurnsView id={of} />;
  }
}

/** Whether what is shown moves by itself. */
function Live() {
  const state = link.value.state === 'lost' ? 'Gone' : paused.value ? 'Paused' : 'Live';
  return (
    <button
      type="button"
      class={`live is-${state.toLowerCase()}`}
      aria-pressed={paused.value}
      title="Pause and go on (p)"
      onClick={() => {
        paused.value = !paused.value;
      }}
    >
      <span class="live-mark" aria-hidden="true" />
      {state}
    </button>
  );
}

function Lost() {
  if (link.value.state === 'up') return null;
  const wait = Math.max(0, Math.ceil((link.value.retry_at - now.value) / 1000));
  return (
    <p class="banner is-lost" role="status">
      The gateway does not answer. {wait > 0 ? `It is looked for again in ${wait} s.` : 'It is looked for…'}{' '}
      <button type="button" class="quiet" onClick={lookNow}>
        Now
      </button>
    </p>
  );
}

function Logo() {
  return (
    <svg viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
      <g fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" stroke-linejoin="round">
        <rect x="3" y="4" width="13" height="9" rx="3" />
        <rect x="16" y="20" width="13" height="9" rx="3" fill="currentColor" />
        <path d="M16 8.5h7v11" />
      </g>
    </svg>
  );
}
