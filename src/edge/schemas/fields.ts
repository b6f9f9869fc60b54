// SPDX-License-Identifier: Apache-2.0
// The kinds of field requests and answers are made of.

import { z } from 'zod';

/** Text that every store and wire can carry: no half surrogates. */
const wellFormed = (text: string): boolean => text.isWellFormed();

/** Longest message in characters; the body's own limit usually comes first. */
const CONTENT_MAX = 1_048_576;

export const Content = z
  .string()
  .min(1, { error: 'is empty', abort: true })
  .max(CONTENT_MAX)
  .refine((text) => text.trim() !== '', { error: 'is blank' })
  .refine(wellFormed, { error: 'is not well-formed Unicode' })
  .describe('What is said.');

export const MessageId = z
  .string()
  .min(1, { error: 'is empty' })
  .max(200)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: to keep them out is the point.
  .regex(/^[^\u0000-\u001f\u007f]*$/, { error: 'holds control characters' })
  .refine(wellFormed, { error: 'is not well-formed Unicode' })
  .describe("The sender's own key for this message: repeating it never runs a second turn. Generated when absent.");

export const SessionId = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, { error: 'is not an id of a session' })
  .describe('The session to go on with; without it a new one is opened.');

export const WorkspaceId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9:_-]{0,63}$/, { error: 'is not an id of a workspace' })
  .describe("Where the session lives; the sender's personal workspace when absent.");

export const Model = z
  .string()
  .max(200)
  .regex(/^[^/\s]+\/\S+$/, { error: 'is not `provider/model`' })
  .describe('The model to answer with, as `provider/model`; routed when absent.');

/** A time as RFC 3339 in UTC with milliseconds. */
export const Time = z.string().meta({ format: 'date-time', description: 'RFC 3339, UTC, milliseconds.' });

/** A state chart's state value. */
export const StateValue = z.unknown().describe('The XState state value: `"idle"`, `{"turn": "calling_model"}`.');

export const Counts = z.record(z.string(), z.int());

/** A list, a page of it or all. */
export function listOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    next_cursor: z.string().nullable().describe('Where the next page begins; null on the last one.'),
  });
}
