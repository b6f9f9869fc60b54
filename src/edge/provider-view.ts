// SPDX-License-Identifier: Apache-2.0
// Providers as they are shown: how each is, what is wrong with it and what to do, those that were left out included.

import type { CircuitStatus, ProviderStatus } from '../actors/provider/protocol.ts';
import { address } from '../bus/address.ts';
import { ERRORS, type ErrorCode } from '../errors.ts';
import { type Asked, tryAsk } from './ask.ts';
import type { EdgePorts } from './ports.ts';
import { Refusal } from './problem.ts';
import type { ProviderHealthAnswer, ProviderItem, ProviderProblem } from './schemas/providers.ts';

const UNREACHABLE = 'unreachable';
const QUARANTINED = 'quarantined';
const CLOSED = 'closed';

/** Of one that says nothing. */
const NOTHING: Omit<ProviderStatus, 'name' | 'state' | 'message'> = {
  available: false,
  in_flight: 0,
  waiting: 0,
  waits_for: null,
  calls: 0,
  failures: 0,
  probes: 0,
  last_error: null,
  retry_at: null,
  latency: { first_event_ms: null, took_ms: null },
  models: [],
};

/** The providers that run, in the order of the configuration. */
export async function runningProviders({ bus, providers }: EdgePorts): Promise<readonly ProviderItem[]> {
  return await Promise.all(
    providers.map(async ({ name, type }) => {
      const asked = await tryAsk(bus, address('provider', name), 'provider.status', {});
      return itemOf(name, type, asked);
    }),
  );
}

/** All that are configured: those that run, then those that were left out. */
export async function allProviders(ports: EdgePorts): Promise<readonly ProviderItem[]> {
  return [...(await runningProviders(ports)), ...leftOut(ports)];
}

/** @throws Refusal `not_found` naming those there are */
export async function oneProvider(ports: EdgePorts, name: string): Promise<ProviderItem> {
  const known = ports.providers.find((one) => one.name === name);
  if (known !== undefined)
    return itemOf(name, known.type, await tryAsk(ports.bus, address('provider', name), 'provider.status', {}));
  const out = leftOut(ports).find((one) => one.name === name);
  if (out !== undefined) return out;
  throw unknownProvider(ports, name);
}

export function unknownProvider(ports: EdgePorts, name: string): Refusal {
  const names = [...ports.providers, ...leftOut(ports)].map((one) => one.name).join(', ');
  const shown = name.slice(0, 200).toWellFormed();
  return new Refusal('not_found', `There is no provider ${JSON.stringify(shown)}. Known providers: ${names}.`);
}

export function healthOf({ name, problems, state, last_error, retry_at, latency, models }: ProviderItem) {
  const healthy = problems.length === 0;
  const health: ProviderHealthAnswer = { name, healthy, problems, state, last_error, retry_at, latency, models };
  return health;
}

function itemOf(name: string, type: string, asked: Asked<ProviderStatus>): ProviderItem {
  if (asked.ok) return { ...asked.answer, type, problems: problemsOf(asked.answer) };
  const { message } = asked.error;
  const advice = 'Look with `sigil status` whether its thread runs, and again in a moment.';
  return { ...NOTHING, name, type, state: UNREACHABLE, message, problems: [{ what: name, message, advice }] };
}

/** Entries of `providers` that were set aside when the gateway started. */
function leftOut({ quarantined, providers }: EdgePorts): readonly ProviderItem[] {
  const items = new Map<string, ProviderItem>();
  for (const { what, message, advice } of quarantined) {
    const name = /^providers\.([^.]+)/.exec(what)?.[1];
    if (name === undefined || providers.some((one) => one.name === name)) continue;
    const problem = { what: name, message, advice };
    const before = items.get(name);
    if (before === undefined)
      items.set(name, { ...NOTHING, name, type: '', state: QUARANTINED, message, problems: [problem] });
    else items.set(name, { ...before, problems: [...before.problems, problem] });
  }
  return [...items.values()];
}

function problemsOf({ name, available, message, models, ...circuit }: ProviderStatus): readonly ProviderProblem[] {
  const problems: ProviderProblem[] = [];
  if (circuit.state !== CLOSED) {
    const problem = circuitProblem(name, name, circuit);
    // One that says itself why it cannot be asked knows better.
    problems.push(available ? problem : { ...problem, message: sentence(message) });
  } else if (!available) problems.push({ what: name, message: sentence(message), advice: 'Look with `sigil status`.' });
  for (const { model, ...own } of models) problems.push(circuitProblem(`${name}/${model}`, name, own));
  return problems;
}

function circuitProblem(what: string, name: string, circuit: CircuitStatus): ProviderProblem {
  const { state, last_error, retry_at } = circuit;
  const said = last_error === null ? '' : ` ${sentence(last_error.message || last_error.code)}`;
  const message =
    state === 'half_open'
      ? `It is being tried again after a failure.${said}`
      : `It is not asked after repeated failures.${said}`;
  const when = retry_at === null ? '' : ` It is tried again at ${retry_at}.`;
  return { what, message, advice: adviceOf(last_error?.code, name) + when };
}

function adviceOf(code: string | undefined, name: string): string {
  if (code === undefined || !Object.hasOwn(ERRORS, code)) return 'Look with `sigil provider trace` what it answers.';
  const advice = ERRORS[code as ErrorCode].advice.replaceAll('NAME', name);
  return code === 'provider_auth' ? `${advice} \`sigil secret list\` shows what refers to it.` : advice;
}

function sentence(text: string): string {
  return text === '' || /[.!?]$/.test(text) ? text : `${text}.`;
}
