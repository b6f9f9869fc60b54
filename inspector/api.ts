// SPDX-License-Identifier: Apache-2.0
// Asking the gateway: its answers, its refusals, and what happens while it is gone.

import { batch, signal } from '@preact/signals';
import type { Problem } from './wire.ts';

/** Whether the gateway can be reached. */
export type Link = { readonly state: 'up' } | { readonly state: 'lost'; readonly retry_at: number };

export const link = signal<Link>({ state: 'up' });
/** How often it came back: what was fetched before that is fetched anew. */
export const returns = signal(0);

/** Who the page asks as: nobody is known yet, nobody needs to be, somebody must sign in, or may not look. */
export type Access =
  | { readonly state: 'unknown' | 'granted' }
  | { readonly state: 'signed_out'; readonly why: string | null }
  | { readonly state: 'forbidden'; readonly why: string };

export const access = signal<Access>({ state: 'unknown' });

/** The gateway answered, and refused. */
export class Refused extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

/** The gateway did not answer. It is looked for from now on; what was asked is asked again once it is back. */
export class Unreachable extends Error {}

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 15_000;
/** A gateway that takes longer than this over an answer is as good as gone. */
const ANSWER_MS = 20_000;

/** @throws Refused, Unreachable; or what the signal was aborted with */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  const { signal: given, ...rest } = init;
  const late = AbortSignal.timeout(ANSWER_MS);
  let response: Response;
  try {
    response = await fetch(path, {
      ...rest,
      signal: given === null || given === undefined ? late : AbortSignal.any([given, late]),
    });
  } catch (thrown) {
    if (given?.aborted === true) throw thrown;
    lose();
    throw new Unreachable('The gateway does not answer.', { cause: thrown });
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (response.status === 401 && access.value.state === 'granted')
    access.value = { state: 'signed_out', why: problem.detail };
  throw new Refused(problem);
}

/** @throws what {@link send} throws */
export async function get<T>(path: string, within?: AbortSignal): Promise<T> {
  const response = await send(path, within === undefined ? {} : { signal: within });
  try {
    return (await response.json()) as T;
  } catch (thrown) {
    if (within?.aborted === true) throw thrown;
    lose();
    throw new Unreachable('The gateway went away while it answered.', { cause: thrown });
  }
}

async function problemOf(response: Response): Promise<Problem> {
  const bare = { status: response.status, code: 'internal', detail: `The gateway answered ${response.status}.` };
  const body = (await response.json().catch(() => ({}))) as Partial<Problem>;
  return { ...bare, ...body };
}

/** What went wrong, for whoever reads. */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof Refused) return [thrown.problem.detail, thrown.problem.advice ?? ''].join(' ').trim();
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The gateway is gone: it is looked for, more and more seldom, until it is there again. */
export function lose(): void {
  if (link.value.state === 'lost') return;
  void lookFor(0);
}

async function lookFor(tries: number): Promise<void> {
  // Not all pages that lost it come back at the same moment.
  const wait = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries) * (0.75 + Math.random() / 2);
  link.value = { state: 'lost', retry_at: Date.now() + wait };
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, wait);
    wake = () => {
      clearTimeout(timer);
      resolve(undefined);
    };
  });
  const there = await fetch('/ready', { cache: 'no-store', signal: AbortSignal.timeout(5_000) }).then(
    ({ ok }) => ok,
    () => false,
  );
  if (!there) return await lookFor(tries + 1);
  batch(() => {
    link.value = { state: 'up' };
    returns.value += 1;
  });
}

let wake: () => void = () => undefined;

/** Looks for it now. */
export function lookNow(): void {
  wake();
}
