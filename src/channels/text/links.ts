// SPDX-License-Identifier: Apache-2.0
// Which addresses are shown as something to press: a model may have been talked into writing any.

/** @returns the address as a platform is given it, or null where it is to be shown as text */
export function pressable(url: string): string | null {
  try {
    const { protocol, href } = new URL(url);
    return ['http:', 'https:', 'mailto:', 'tel:'].includes(protocol) ? href : null;
  } catch {
    return null;
  }
}
