// SPDX-License-Identifier: Apache-2.0
// Files for messages: uploaded first, then named by their ids in a message.

import { SigilError } from '../../errors.ts';
import type { EdgeContext } from '../context.ts';
import { json, type Route } from '../exchange.ts';
import { bodyFile } from '../form-body.ts';
import { Refusal } from '../problem.ts';
import type { UploadAnswer } from '../schemas/answers.ts';

/** Files that are read at once, each held whole. */
const AT_ONCE = 4;

export function attachmentRoutes({ ports }: EdgeContext): readonly Route[] {
  let reading = 0;
  return [
    {
      method: 'POST',
      path: '/api/v1/attachments',
      handle: async (exchange) => {
        const { uploads } = ports;
        if (uploads === undefined)
          throw new SigilError({ code: 'not_found', message: 'No files are taken here.', retryable: false });
        if (reading >= AT_ONCE) throw new Refusal('overloaded', 'Too many files are on their way here at once.');
        const { user_id } = exchange.caller;
        if (ports.erasure.erasing(user_id))
          throw new Refusal('conflict', `Everything about ${user_id} is being erased; nothing is taken meanwhile.`);
        reading += 1;
        try {
          const { id, name, media_type, size } = await uploads.keep(user_id, await bodyFile(exchange, uploads.most));
          return json({ id, name, media_type, size } satisfies UploadAnswer);
        } finally {
          reading -= 1;
        }
      },
    },
  ];
}
