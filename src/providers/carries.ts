// SPDX-License-Identifier: Apache-2.0
// What of a request a type of provider cannot carry to its vendor: said before it is sent, not passed over.

import type { ChatRequest } from './provider.ts';

/**
 * What a provider's type cannot do of what a request asks for, in a few words; undefined when it can do all of it. What only
 * makes an answer likelier (a seed, the most calls at once) is left out where a vendor does not know it, and is not told here.
 *
 * @param type of the provider, not its name
 */
export function cannotCarry(
  type: string,
  { options, messages }: Pick<ChatRequest, 'options' | 'messages'>,
): string | undefined {
  const { responseFormat } = options;
  if (type === 'anthropic' && responseFormat?.type === 'json_object')
    return 'takes `response_format` `json_schema`, and not `json_object`';
  if (type !== 'sigil') return undefined;
  if (responseFormat !== undefined) return 'answers in plain text: `response_format` cannot be had of it';
  return messages.some(({ attachments = [] }) => attachments.length > 0) ? 'cannot see images' : undefined;
}
