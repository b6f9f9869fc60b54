// SPDX-License-Identifier: Apache-2.0
// What a model answered when it was asked for a summary: the summary, and the facts as far as they are any.

import { z } from 'zod';
import { FACTS_LINE, FACTS_MOST, SUMMARY_MOST } from './summarize.ts';

export interface SummedFact {
  readonly subject: string;
  readonly predicate: string;
  readonly value: string;
  /** The number of who said it, from 1; absent: the model did not say. */
  readonly said_by?: number | undefined;
}

export interface SummaryReply {
  /** Empty: there is none in the answer. */
  readonly summary: string;
  readonly facts: readonly SummedFact[];
  /** Why there are no facts, or not all; null when nothing is wrong. */
  readonly problem: string | null;
}

const word = (most: number) => z.string().trim().min(1).max(most);
const Fact = z.object({
  subject: word(200),
  predicate: word(100),
  value: word(2_000),
  said_by: z.int().min(1).optional().catch(undefined),
});

const SEPARATOR = new RegExp(`^[\\s*#]*${FACTS_LINE}[\\s*:]*$`, 'gmu');

/** @param facts whether any were asked for: what looks like them is a part of the summary else */
export function readSummary(text: string, facts: boolean): SummaryReply {
  const last = facts ? [...text.matchAll(SEPARATOR)].at(-1) : undefined;
  const summary = kept(last === undefined ? text : text.slice(0, last.index));
  if (!facts) return { summary, facts: [], problem: null };
  if (last === undefined) return { summary, facts: [], problem: `the answer has no line ${FACTS_LINE}` };
  return { summary, ...readFacts(text.slice(last.index + last[0].length)) };
}

function kept(text: string): string {
  const trimmed = text.trim().toWellFormed();
  return trimmed.length > SUMMARY_MOST ? `${trimmed.slice(0, SUMMARY_MOST - 2).toWellFormed()} …` : trimmed;
}

function readFacts(text: string): Pick<SummaryReply, 'facts' | 'problem'> {
  const [from, to] = [text.indexOf('['), text.lastIndexOf(']')];
  const none = (problem: string): Pick<SummaryReply, 'facts' | 'problem'> => ({ facts: [], problem });
  if (from < 0 || to < from) return none('the facts are no JSON array');
  let items: unknown;
  try {
    items = JSON.parse(text.slice(from, to + 1));
  } catch {
    return none('the facts are not valid JSON');
  }
  if (!Array.isArray(items)) return none('the facts are no JSON array');
  const facts = items.slice(0, FACTS_MOST).flatMap((item): SummedFact[] => {
    const read = Fact.safeParse(item);
    return read.success ? [read.data] : [];
  });
  const missing = items.length - facts.length;
  return { facts, problem: missing === 0 ? null : `${missing} of ${items.length} facts could not be taken` };
}
