// SPDX-License-Identifier: Apache-2.0
// The files of a chat platform's messages: kept in the session that will take the message, before it is handed to it.

import type { InletPorts } from '../actors/channel/inlet.ts';
import { type Address, address } from '../bus/address.ts';
import { toFailure } from '../errors.ts';
import type { AttachmentFiles } from '../stores/attachments.ts';
import type { TakeAttachments } from './attachments.ts';
import type { ThreadContext } from './context.ts';

/** How long a session may take to say which one stands for its conversation, in milliseconds. */
const STANDS_WITHIN = 30_000;

export interface MessageFilesOptions {
  readonly context: Pick<ThreadContext, 'bus' | 'log'>;
  /** The channel's address. */
  readonly from: Address<'channel'>;
  readonly taking: TakeAttachments;
  readonly files: Pick<AttachmentFiles, 'discard'>;
  /** Ends with the channel. */
  readonly signal: AbortSignal;
}

export function messageFiles({ context, from, taking, files, signal }: MessageFilesOptions): InletPorts['files'] {
  const { bus, log } = context;
  return ({ session_id, deliver }, found, answered) => {
    const { workspace_id, user_id, message_id, channel } = deliver;
    const place = { workspace_id, user_id, channel };
    const asked = { by: user_id, all: false, place, what: { do: 'status' } } as const;
    // Once somebody began anew another session takes it, and its files are to go with that one.
    bus.ask(address('session', session_id), 'session.command', asked, { from, within: STANDS_WITHIN }, (answer) => {
      if (!answer.ok) return answered(answer);
      const owner = { workspace_id, session_id: answer.body.session_id, user_id, message_id };
      const discard = (): void => {
        files.discard(owner).catch((thrown: unknown) => {
          const error = toFailure(thrown);
          log(
            'error',
            { channel, workspace_id, session_id: owner.session_id, message_id, error },
            'files of a message that was not taken are left',
          );
        });
      };
      taking.take(owner, found, { signal }).then(
        (attachments) => answered({ ok: true, body: { attachments, discard } }),
        (thrown: unknown) => answered({ ok: false, error: toFailure(thrown) }),
      );
    });
  };
}
