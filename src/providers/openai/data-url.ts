// SPDX-License-Identifier: Apache-2.0
// A picture as OpenAI's interfaces take it: in the text of its own address.

import type { ChatAttachment } from '../provider.ts';

export function dataUrl({ mediaType, data }: ChatAttachment): string {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return `data:${mediaType};base64,${bytes.toString('base64')}`;
}
