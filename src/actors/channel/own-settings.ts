// SPDX-License-Identifier: Apache-2.0
// Which settings of a chat channel are its own and which its connection's: only for the latter it has to connect anew.

type Entry = Readonly<Record<string, unknown>>;

/** Who is let in, what is answered, what is sent again: read with each message. */
const OWN: ReadonlySet<string> = new Set(['pairing', 'allowlist', 'respond', 'denied_reply', 'redeliver']);

/** What of an entry its adapter is made from. */
export function platformSettings(entry: Entry): Entry {
  return Object.fromEntries(Object.entries(entry).filter(([key]) => key !== 'type' && !OWN.has(key)));
}

/** Whether a connection made with the one serves the other as well. */
export function sameConnection(one: Entry, other: Entry): boolean {
  return one['type'] === other['type'] && sameValue(platformSettings(one), platformSettings(other));
}

/** Whether two entries say the same, in whatever order: plain data, as a configuration has it. */
export function sameValue(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  // What is not set and what is set to nothing are the same.
  const [mine, its] = [keysOf(one), keysOf(other)];
  return (
    mine.length === its.length &&
    mine.every((key) => sameValue((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]))
  );
}

function keysOf(value: object): readonly string[] {
  return Object.entries(value).flatMap(([key, of]) => (of === undefined ? [] : [key]));
}
