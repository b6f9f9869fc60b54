// SPDX-License-Identifier: Apache-2.0
// What a vendor wants back unchanged with the results of its tool calls: signed thinking, kept for as long as a turn lasts.

/** A reply with tool calls, kept under the id of its first call. */
export interface KeptReplies<T> {
  keep(callId: string, reply: T): void;
  /** Undefined when it was never kept here or has been pushed out: after a restart, on another thread, from another vendor. */
  of(callId: string): T | undefined;
}

/**
 * Signed thinking is opaque, belongs to one vendor and is worth something only while its turn runs, so it is neither a
 * message nor in the journal. It is remembered here; whoever asks must be able to do without, since a crash forgets it.
 *
 * @param capacity replies at most; the oldest go first
 * @param most characters of all of them together, as `sizeOf` counts them
 */
export function createKeptReplies<T>(capacity: number, most: number, sizeOf: (reply: T) => number): KeptReplies<T> {
  const kept = new Map<string, { readonly reply: T; readonly size: number }>();
  let total = 0;
  const drop = (callId: string): void => {
    total -= kept.get(callId)?.size ?? 0;
    kept.delete(callId);
  };
  return {
    keep: (callId, reply) => {
      drop(callId);
      const size = sizeOf(reply);
      if (size > most) return;
      kept.set(callId, { reply, size });
      total += size;
      for (const oldest of kept.keys()) {
        if (kept.size <= capacity && total <= most) break;
        drop(oldest);
      }
    },
    of: (callId) => kept.get(callId)?.reply,
  };
}
