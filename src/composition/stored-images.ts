// SPDX-License-Identifier: Apache-2.0
// Images of a request are read when its call is made: from the disk, off the loop, and held no longer than the call.

import type { ChatAttachment, ChatMessage, ChatRequest } from '../providers/provider.ts';
import type { AttachmentFiles } from '../stores/attachments.ts';

/** Whether anything of a request has still to be read. */
export const hasImages = ({ messages }: ChatRequest): boolean => messages.some(({ images }) => images !== undefined);

/** What is said in place of images that were erased meanwhile. */
const GONE = '[An image of this message is not kept any more.]';

/**
 * The request with its images read. One that is gone is said to be.
 *
 * @throws SigilError `storage_failed` when one is there and cannot be read
 */
export async function withReadImages(request: ChatRequest, files: Pick<AttachmentFiles, 'read'>): Promise<ChatRequest> {
  const messages: ChatMessage[] = [];
  // One after the other: a call may have eight of four megabytes.
  for (const message of request.messages) messages.push(await readImages(message, request, files));
  return { ...request, messages };
}

async function readImages(
  message: ChatMessage,
  { images_in }: ChatRequest,
  files: Pick<AttachmentFiles, 'read'>,
): Promise<ChatMessage> {
  const { images, ...rest } = message;
  if (images === undefined) return message;
  const attachments: ChatAttachment[] = [];
  for (const { id, mediaType } of images) {
    const data = images_in === undefined ? null : await files.read(images_in.workspace_id, images_in.session_id, id);
    if (data !== null) attachments.push({ kind: 'image', mediaType, data });
  }
  const content = attachments.length === images.length ? rest.content : `${rest.content}\n\n${GONE}`;
  return attachments.length === 0 ? { ...rest, content } : { ...rest, content, attachments };
}
