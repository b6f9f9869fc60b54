// SPDX-License-Identifier: Apache-2.0
// What a file is, as far as its bytes tell: an image by how it begins, a text by being one.

/** What is known of a file. */
export interface Sniffed {
  readonly media_type: string;
  /** Its text, as far as it was asked for, when it is one. */
  readonly text?: string;
  /** There is more text. */
  readonly cut?: boolean;
}

const latin1 = (data: Uint8Array, from: number, to: number): string => String.fromCharCode(...data.subarray(from, to));

/** The type of an image that models are shown; undefined for anything else. */
function imageType(data: Uint8Array): string | undefined {
  const begin = latin1(data, 0, 16);
  if (begin.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (begin.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (/^GIF8[79]a/.test(begin)) return 'image/gif';
  if (/^RIFF[\s\S]{4}WEBP/.test(begin)) return 'image/webp';
  return undefined;
}

const TYPE = /^[a-z0-9][a-z0-9.+-]*\/[a-z0-9][a-z0-9.+-]*$/;
const TEXT_TYPE =
  /^(?:text\/.*|application\/(?:json|xml|javascript|ecmascript|yaml|x-yaml|toml|sql|x-sh)|application\/.*\+(?:json|xml)|image\/svg\+xml)$/;
const SHOWN: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);
/** Types that say nothing: the bytes decide. */
const ANY_TYPE: ReadonlySet<string> = new Set(['', 'application/octet-stream', 'binary/octet-stream']);

/**
 * @param declared as the platform says; what the bytes say goes before it
 * @param most UTF-16 units of text that are wanted
 */
export function sniff(data: Uint8Array, declared: string, most: number): Sniffed {
  const image = imageType(data);
  if (image !== undefined) return { media_type: image };
  const [said = ''] = declared.toLowerCase().split(';');
  const type = TYPE.test(said.trim()) ? said.trim() : '';
  const open = ANY_TYPE.has(type);
  // What says that it is such an image, and is none, is shown to no model.
  if (SHOWN.has(type)) return { media_type: 'application/octet-stream' };
  if (!open && !TEXT_TYPE.test(type)) return { media_type: type };
  const text = textOf(data, most, open);
  if (text === undefined) return { media_type: open || type.startsWith('text/') ? 'application/octet-stream' : type };
  return { media_type: open ? 'text/plain' : type, ...text };
}

/** Bytes a UTF-16 unit takes at most. */
const UNIT_BYTES = 3;

function textOf(data: Uint8Array, most: number, strict: boolean): { text: string; cut: boolean } | undefined {
  const part = data.subarray(0, most * UNIT_BYTES + 4);
  if (part.includes(0) && !utf16(part)) return undefined;
  const whole = decoded(part, part.length < data.length, strict);
  if (whole === undefined) return undefined;
  // Half a character is none.
  const text = whole.slice(0, most).replace(/[\ud800-\udbff]$/, '');
  return { text, cut: text.length < whole.length || part.length < data.length };
}

const utf16 = (data: Uint8Array): boolean => /^(?:\xff\xfe|\xfe\xff)/.test(latin1(data, 0, 2));

function decoded(data: Uint8Array, more: boolean, strict: boolean): string | undefined {
  if (utf16(data)) return new TextDecoder(data[0] === 0xff ? 'utf-16le' : 'utf-16be').decode(data, { stream: more });
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data, { stream: more });
  } catch {
    // A text by its type that is no UTF-8 is of an older kind; a file of no type is no text then.
    return strict ? undefined : new TextDecoder('windows-1252').decode(data);
  }
}
