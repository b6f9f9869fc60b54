// SPDX-License-Identifier: Apache-2.0
// A message past the scanner: what was said, what is in the text files that came with it, and what these are called.

import type { Failure } from '../../errors.ts';
import type { Attachment } from '../../stores/attachments.ts';
import type { Scanned } from './decide.ts';
import type { LaneEffects, MessageVerdict } from './effects.ts';
import type { Deliver } from './protocol.ts';

export type Judged =
  | { readonly kind: 'taken'; readonly message: Scanned }
  | { readonly kind: 'block'; readonly rules: readonly string[] }
  | { readonly kind: 'failed'; readonly error: Failure };

/** One text of a message, and the message without what was found in it. */
interface Part {
  readonly text: string;
  readonly redacted: (message: Scanned, text: string) => Scanned;
}

/** `done` is called once; before this returns when all its texts are short. */
export function scanMessage(message: Deliver, scan: LaneEffects['scan'], done: (judged: Judged) => void): void {
  const parts = partsOf(message);
  const rules = new Set<string>();
  let taken: Scanned = message;
  const next = (at: number): void => {
    const part = parts[at];
    if (part === undefined) {
      return done({ kind: 'taken', message: rules.size === 0 ? taken : { ...taken, flagged: [...rules] } });
    }
    scan(part.text, (verdict: MessageVerdict) => {
      if (verdict.kind === 'failed' || verdict.kind === 'block') return done(verdict);
      if (verdict.kind === 'flag') for (const rule of verdict.rules) rules.add(rule);
      if (verdict.kind === 'redact') taken = part.redacted(taken, verdict.text);
      next(at + 1);
    });
  };
  next(0);
}

function partsOf({ content, attachments = [] }: Deliver): readonly Part[] {
  const said: Part = { text: content, redacted: (message, text) => ({ ...message, content: text }) };
  if (attachments.length === 0) return [said];
  const named: Part = {
    text: attachments.map(({ name }) => name).join('\n'),
    redacted: (message) => changed(message, (one, at) => ({ ...one, name: `attachment ${at + 1}` })),
  };
  const texts = attachments.flatMap((one, at): readonly Part[] =>
    one.kind !== 'text'
      ? []
      : [
          {
            text: one.text,
            redacted: (message, text) =>
              changed(message, (other, place) => (place === at && other.kind === 'text' ? { ...other, text } : other)),
          },
        ],
  );
  return [...(content === '' ? [] : [said]), named, ...texts];
}

function changed(message: Scanned, change: (one: Attachment, at: number) => Attachment): Scanned {
  return { ...message, attachments: (message.attachments ?? []).map(change) };
}
