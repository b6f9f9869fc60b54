// SPDX-License-Identifier: Apache-2.0
// The actors' steps as they happen. Open only while somebody looks; taken up again, later and later, when it ends.

import { effect } from '@preact/signals';
import { createParser } from 'eventsource-parser';
import { lose, Refused, reasonOf, send, Unreachable } from './api.ts';
import { awake } from './live.ts';
import type { Transition } from './wire.ts';

export interface Listening {
  readonly step: (transition: Transition) => void;
  /** So many steps were more than there was room for. */
  readonly dropped?: (count: number) => void;
  /** Why there are none at present; null when there are. */
  readonly state?: (why: string | null) => void;
}

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 30_000;
/** The gateway says something every 15 s at least. */
const SILENT_MS = 40_000;

/** Listens for as long as the page is awake; answers how to stop. */
export function listen(wish: { readonly kind?: string; readonly address?: string }, told: Listening): () => void {
  const query = new URLSearchParams(wish).toString();
  return effect(() => {
    if (!awake.value) return undefined;
    const until = new AbortController();
    void follow(`/debug/actors/stream${query === '' ? '' : `?${query}`}`, told, until.signal);
    return () => until.abort();
  });
}

async function follow(path: string, told: Listening, until: AbortSignal): Promise<void> {
  for (let tries = 0; !until.aborted; tries += 1) {
    try {
      const response = await send(path, { signal: until, cache: 'no-store' });
      told.state?.(null);
      await read(response, told, until);
      tries = 0;
    } catch (thrown) {
      if (until.aborted) return;
      if (thrown instanceof Unreachable) return;
      if (!(thrown instanceof Refused)) return lose();
      told.state?.(reasonOf(thrown));
    }
    const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries) * (0.75 + Math.random() / 2);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

async function read(response: Response, { step, dropped }: Listening, until: AbortSignal): Promise<void> {
  const parser = createParser({
    onEvent: ({ event, data }) => {
      if (event === 'transition') step(JSON.parse(data) as Transition);
      else if (event === 'dropped') dropped?.((JSON.parse(data) as { readonly dropped: number }).dropped);
    },
  });
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const stop = (): void => void reader.cancel().catch(() => undefined);
  until.addEventListener('abort', stop);
  let silent = setTimeout(stop, SILENT_MS);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      clearTimeout(silent);
      silent = setTimeout(stop, SILENT_MS);
      parser.feed(value);
    }
  } finally {
    clearTimeout(silent);
    until.removeEventListener('abort', stop);
  }
}
