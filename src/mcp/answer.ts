// SPDX-License-Identifier: Apache-2.0
// The wall for results: the parts a server answers with become text for a model, what is no text is named in words.

import { z } from 'zod';
import { plainLine } from './plain-text.ts';

/** Parts of one result that are read. */
const PARTS_MOST = 1_000;
/** Characters of an address or a name that are told. */
const TOLD_MOST = 500;

export const CallResult = z.object({
  content: z.array(z.unknown()).optional(),
  structuredContent: z.unknown().optional(),
  isError: z.boolean().optional().catch(undefined),
});

const told = z.string().optional().catch(undefined);
const Part = z.object({
  type: z.string(),
  text: told,
  data: told,
  mimeType: told,
  uri: told,
  name: told,
  description: told,
  resource: z.object({ uri: told, mimeType: told, text: told, blob: told }).optional().catch(undefined),
});

/** Bytes that so many characters of base64 stand for, as people write it. */
function sizeText(base64: string): string {
  const bytes = Math.floor((base64.length * 3) / 4);
  return bytes < 1024 ? `${bytes} bytes` : `${Math.round(bytes / 1024)} KiB`;
}

function words(...parts: readonly (string | undefined)[]): string {
  return parts
    .filter((part) => part !== undefined && part !== '')
    .map((part) => plainLine(part ?? '', TOLD_MOST))
    .join(', ');
}

function partText(value: unknown): string {
  const parsed = Part.safeParse(value);
  if (!parsed.success) return '[a part that cannot be read]';
  const { type, text, data, mimeType, uri, name, description, resource } = parsed.data;
  switch (type) {
    case 'text':
      return text ?? '';
    case 'image':
    case 'audio':
      return `[${words(type === 'image' ? 'an image' : 'a sound', mimeType, sizeText(data ?? ''))}; not shown]`;
    case 'resource_link':
      return `[${words('a resource', name, uri, mimeType, description)}]`;
    case 'resource': {
      const { uri: of, mimeType: kind, text: body, blob } = resource ?? {};
      if (body !== undefined) return `[${words('a resource', of, kind)}]\n${body}`;
      return `[${words('a resource', of, kind, sizeText(blob ?? ''))}; not shown]`;
    }
    default:
      return `[${words('a part of the type', type)}; not shown]`;
  }
}

/** Whether a text is this very value as JSON: servers say their structured content once more so. */
function says(text: string, json: string): boolean {
  if (text.length > 4 * json.length) return false;
  try {
    return JSON.stringify(JSON.parse(text)) === json;
  } catch {
    return false;
  }
}

/** A result as text. */
export function answerText({ content = [], structuredContent, isError }: z.infer<typeof CallResult>): {
  readonly content: string;
  readonly is_error: boolean;
} {
  const parts = content.slice(0, PARTS_MOST).map(partText);
  if (content.length > PARTS_MOST) parts.push(`[${content.length - PARTS_MOST} more parts; not shown]`);
  if (structuredContent !== undefined && structuredContent !== null) {
    const json = JSON.stringify(structuredContent);
    if (!parts.some((part) => says(part, json))) parts.push(json);
  }
  const text = parts.join('\n');
  return { content: text === '' ? 'The tool answered without any content.' : text, is_error: isError === true };
}
