// SPDX-License-Identifier: Apache-2.0
// Which traces are made: all, or as the environment says in OpenTelemetry's words (`OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`).

import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';

const PARENTS = 'parentbased_';

/** @param odd is told of what is not understood; then all are made */
export function samplerOf(env: Readonly<Record<string, string | undefined>>, odd: (what: string) => void): Sampler {
  const { OTEL_TRACES_SAMPLER: named = '', OTEL_TRACES_SAMPLER_ARG: argument = '' } = env;
  const name = named === '' ? 'parentbased_always_on' : named;
  const ratio = argument === '' ? 1 : Number(argument);
  const sane = ratio >= 0 && ratio <= 1;
  if (!sane) odd(`OTEL_TRACES_SAMPLER_ARG is no number from 0 to 1: ${argument}`);
  const kinds: Readonly<Record<string, () => Sampler>> = {
    always_on: () => new AlwaysOnSampler(),
    always_off: () => new AlwaysOffSampler(),
    traceidratio: () => new TraceIdRatioBasedSampler(sane ? ratio : 1),
  };
  const kind = name.startsWith(PARENTS) ? name.slice(PARENTS.length) : name;
  const make = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (make === undefined) odd(`OTEL_TRACES_SAMPLER is not known: ${name}`);
  const root = make?.() ?? new AlwaysOnSampler();
  return make === undefined || name.startsWith(PARENTS) ? new ParentBasedSampler({ root }) : root;
}
