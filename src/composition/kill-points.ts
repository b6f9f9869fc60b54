// SPDX-License-Identifier: Apache-2.0
// Named places at which the crash tests end the process: `SIGIL_KILL_AT=name[:n]` kills it the n-th time a thread passes one.

import { PUBLISHED } from './published.ts';

/**
 * Every named place, in about the order a gateway passes them. A room names its own where it takes the function, and the
 * compiler holds those against this list; the crash tests fail when one of it is never passed.
 */
export const KILL_POINTS = [
  // The start: the data directory is locked, the journal open, the port bound, all threads ready.
  'start.locked',
  'journal.opened',
  'start.listening',
  'start.ready',
  // Taking up what was interrupted: what is owed is known, a session's log is read, its resumption is journaled.
  'recover.owed',
  'recover.tail_read',
  'recover.resumed',
  // A message: decided, durable in its lane, known to be durable where its sender waits.
  'receive.before_journal',
  'receive.journaled',
  'edge.acknowledged',
  // A group commit: gathered, written and not committed, committed and not answered; the log moved into the file.
  'journal.gathered',
  'journal.before_commit',
  'journal.after_commit',
  'journal.before_checkpoint',
  'journal.after_checkpoint',
  // A model call: journaled, its request made, its first delta shown, its reply whole, its reply journaled.
  'model.before',
  'model.prepared',
  'model.first_delta',
  'model.after',
  'model.journaled',
  // A tool call: journaled, run, its result journaled.
  'tool.before',
  'tool.after',
  'tool.journaled',
  // A person is asked before a call runs: the request journaled, the answer journaled.
  'approval.journaled',
  'approval.decided',
  // A turn's end: decided, journaled and told to nobody; a cancellation journaled.
  'cancel.journaled',
  'turn.before_finish',
  'turn.finished',
  // What its sender sees: the answer made and not written, and written; the same for a stream's last event.
  'edge.answering',
  'edge.answered',
  'edge.stream_ending',
  'edge.stream_ended',
  // The views: a batch read, the workspaces' files committed, everything committed.
  'views.read',
  'views.between_files',
  'views.applied',
  'memory.read',
  'memory.between_files',
  'memory.applied',
  // A compaction: its batch read, its call journaled, its summary there and not stored; stored, its session told, over.
  'compaction.read',
  'compaction.called',
  'compaction.summed',
  'compaction.stored',
  'compaction.told',
  'compaction.ended',
  // A lane's memory: its folded state about to be written, written and asleep.
  'lane.checkpoint',
  'lane.asleep',
  // The orderly end: asked for, and every lane done.
  'drain.begun',
  'drain.lanes_done',
] as const;

/** Places in work on the data itself, which no life of a gateway under load passes: `npm run test:stores` kills there. */
export const DATA_POINTS = [
  // Old rows forgotten.
  'journal.trimmed',
  // Some rows redacted, and the file overwritten.
  'journal.redacted',
  'journal.wiped',
  // An erasure: sessions deleted, workspaces told, files overwritten.
  'erasure.sessions',
  'erasure.told',
  'erasure.overwritten',
  // A backup: a database copied, a file in the archive, all of them and no manifest yet.
  'backup.copied',
  'backup.packed',
  'backup.before_manifest',
  // A restore: all unpacked, all checked; ready, decided, one put aside, one moved in, all done.
  'restore.unpacked',
  'restore.checked',
  'restore.prepared',
  'restore.decided',
  'restore.put_aside',
  'restore.moved',
  'restore.done',
] as const;

/** Places a message of a chat platform passes, on its way in and its answer on the way out: the crash tests have a platform for them. */
export const CHANNEL_POINTS = [
  // A message of a platform: come, and durable in its session.
  'channel.received',
  'channel.delivered',
  // What a chat channel is to say: about to be handed to it, taken by it, and known by the session to be so.
  'reply.handing',
  'reply.taken',
  'reply.handed',
  // What a channel says: taken on, a message of it journaled, taken by the platform, and journaled to be so.
  'channel.queued',
  'channel.sending',
  'channel.accepted',
  'channel.sent',
] as const;

export type KillPoint = (typeof KILL_POINTS)[number] | (typeof DATA_POINTS)[number] | (typeof CHANNEL_POINTS)[number];

/** What a thread calls at its named places; without a setting it does nothing. */
export function killPoints(setting: string | undefined): (name: KillPoint) => void {
  // What is published has none: a variable in somebody's environment must not be able to end a gateway.
  if (PUBLISHED || setting === undefined || setting === '') return () => undefined;
  const [place, nth] = setting.split(':');
  let left = Number(nth ?? 1);
  return (name) => {
    if (name !== place) return;
    left -= 1;
    if (left > 0) return;
    process.kill(process.pid, 'SIGKILL');
    // The signal may take a moment; nothing may happen after the place.
    for (;;);
  };
}
