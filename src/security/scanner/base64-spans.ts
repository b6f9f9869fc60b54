// SPDX-License-Identifier: Apache-2.0
// Text that stands in another one as base64: found, decoded once, and shown to the rules as what it says.

/** A span of base64 that holds text. */
export interface Base64Span {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Shorter ones say too little to be an order, and every other long word would be one. */
const SPAN = /(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{24,}={0,2}/g;
/** Units that are decoded to see whether it is text at all. */
const SAMPLE = 64;
/** Of what is decoded this share may be no letter, digit, punctuation or space. */
const ODD_MOST = 0.1;
/** Spans of one text that are looked at. */
const SPANS_MOST = 10_000;

const decoder = new TextDecoder('utf-8', { fatal: true });
const sampler = new TextDecoder('utf-8');
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it counts
const ODD = /[\u0000-\u0008\u000e-\u001f\u007f-\u009f\ufffd\ue000-\uf8ff]/g;

/** What base64 of either alphabet stands for; units that belong to nothing are passed over. */
function bytesOf(base64: string): Uint8Array {
  return Buffer.from(base64, 'base64');
}

function looksLikeText(text: string): boolean {
  return text.length > 0 && (text.match(ODD)?.length ?? 0) <= text.length * ODD_MOST;
}

/** Every span of base64 in a text that is text in itself. */
export function base64Spans(text: string): readonly Base64Span[] {
  const spans: Base64Span[] = [];
  let seen = 0;
  for (const { 0: written, index } of text.matchAll(SPAN)) {
    seen += 1;
    if (seen > SPANS_MOST) break;
    const sample = bytesOf(written.slice(0, SAMPLE));
    if (!looksLikeText(sampler.decode(sample))) continue;
    const bytes = written.length <= SAMPLE ? sample : bytesOf(written);
    let decoded: string;
    try {
      decoded = decoder.decode(bytes);
    } catch {
      decoded = sampler.decode(bytes);
    }
    if (looksLikeText(decoded)) spans.push({ start: index, end: index + written.length, text: decoded });
  }
  return spans;
}
