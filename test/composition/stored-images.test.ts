// SPDX-License-Identifier: Apache-2.0
// Images of a request as a provider is given them: read from the disk for the call, and said to be gone when they are.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hasImages, withReadImages } from '../../src/composition/stored-images.ts';
import type { ChatRequest } from '../../src/providers/provider.ts';
import { attachmentFiles } from '../../src/stores/sqlite/attachment-files.ts';

it('a request is given its images, and told of those that are gone', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sigil-images-'));
  try {
    const files = attachmentFiles(dir);
    const images_in = { workspace_id: 'home', session_id: '0198a000-0000-8000-8000-000000000001' };
    const { id } = await files.keep({ ...images_in, user_id: 'u', message_id: 'm' }, new Uint8Array([1, 2]));
    const request: ChatRequest = {
      ...{ model: 'm', systemPrompt: '', tools: [], options: {}, images_in },
      messages: [
        { role: 'user', content: 'one', origin: 'user_input', images: [{ id, mediaType: 'image/png' }] },
        {
          role: 'user',
          content: 'two',
          origin: 'user_input',
          images: [{ id: `${'0'.repeat(16)}${id.slice(16)}`, mediaType: 'image/png' }],
        },
      ],
    };
    expect(hasImages(request)).toBe(true);
    const read = await withReadImages(request, files);
    expect(hasImages(read)).toBe(false);
    expect(read.messages[0]).toEqual({
      ...{ role: 'user', content: 'one', origin: 'user_input' },
      attachments: [{ kind: 'image', mediaType: 'image/png', data: Buffer.from([1, 2]) }],
    });
    expect(read.messages[1]?.content).toBe('two\n\n[An image of this message is not kept any more.]');
  } finally {
    rmSync(dir, { recursive: true });
  }
});
