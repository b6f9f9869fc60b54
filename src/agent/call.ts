// SPDX-License-Identifier: Apache-2.0
// The third stage, as far as it is thought and not done: whether another model may be asked, which one, and what people are told.

import { type Failure, failure } from '../errors.ts';
import type { FailedModel, Warning } from '../stores/records.ts';
import type { TurnState } from '../stores/session-state.ts';

/** Failures that do not say what they are about, and are the provider's all the same. */
const OF_THE_PROVIDER: ReadonlySet<string> = new Set(['provider_error', 'provider_unavailable', 'overloaded']);
/**
 * What only a model that is about to take another's place is excused for: it costs more, or takes less, than the one that
 * was asked for.
 */
const OF_THE_REPLACEMENT: ReadonlySet<string> = new Set(['budget_exceeded', 'payload_too_large']);

const aboutOf = ({ code, details }: Failure): unknown =>
  details?.['about'] ?? (OF_THE_PROVIDER.has(code) ? 'provider' : undefined);

/** What of a turn decides who is asked next. */
export type TriedModels = Pick<TurnState, 'replaced'>;

const providerOf = (model: string): string => model.slice(0, model.indexOf('/'));

/** Whether what this model failed of need not be so with another. */
export function anotherMayAnswer(error: Failure, turn: TriedModels & Pick<TurnState, 'cancelled'>): boolean {
  if (turn.cancelled) return false;
  if (turn.replaced?.announced === false && OF_THE_REPLACEMENT.has(error.code)) return true;
  const about = aboutOf(error);
  return about === 'provider' || about === 'key' || about === 'model';
}

export function failedModel(model: string, error: Failure): FailedModel {
  const about = aboutOf(error);
  const { code, message } = error;
  return { model, code, message, whole_provider: about === 'provider' || about === 'key' };
}

const triedIn = (turn: TriedModels, failed: FailedModel): readonly FailedModel[] => [
  ...(turn.replaced?.failed ?? []),
  failed,
];

/**
 * The first of `candidates` that has not been tried in this turn, nor belongs to a provider of which nothing can be had.
 *
 * @param candidates models in the order in which they are to be tried, as `provider/model`
 */
export function nextCandidate(
  turn: TriedModels,
  failed: FailedModel,
  candidates: readonly string[],
): string | undefined {
  const tried = triedIn(turn, failed);
  return candidates.find((model) =>
    tried.every((one) => one.model !== model && !(one.whole_provider && providerOf(one.model) === providerOf(model))),
  );
}

/** What a turn fails with that no model is left for: every one that was tried, and why it did not answer. */
export function noneLeft(turn: TriedModels, failed: FailedModel): Failure {
  const tried = triedIn(turn, failed);
  const reasons = tried.map(({ model, code, message }) => `${model}: ${code}: ${message}`);
  return failure('provider_unavailable', `No model could answer. ${reasons.join(' ')}`, {
    tried: tried.map(({ model, code, message }) => ({ model, code, message })),
  });
}

/** What listeners are warned of before they hear a model they did not ask for; null when they know, or there is none. */
export function replacementWarning({ replaced, model }: TurnState): Warning | null {
  if (replaced === null || replaced.announced) return null;
  const why = replaced.failed.find((failed) => failed.model === replaced.asked)?.message ?? '';
  return { code: 'failover', message: `${replaced.asked} could not answer; ${model} answers instead. ${why}`.trim() };
}
