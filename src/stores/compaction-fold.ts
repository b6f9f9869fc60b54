// SPDX-License-Identifier: Apache-2.0
// The fold of a workspace's compactions: those that are open are what its records add up to, and each has one next step.

import type { OpenCompaction, PackedCompactions } from './compaction-records.ts';
import type { WorkspaceRecord } from './workspace-records.ts';

/** The open compactions, by session. One session has one at a time. */
export type OpenCompactions = ReadonlyMap<string, OpenCompaction>;

/** What stands in the place of a summary whose words are erased. */
export const WITHOUT_WORDS = '…';

export const NO_COMPACTIONS: OpenCompactions = new Map();

/**
 * What is to be done about an open compaction that nobody works on: an interrupted call is settled, what failed is tried
 * again in its time, what is stored is told to its session.
 */
export type CompactionStep = 'settle' | 'retry' | 'tell';

export function nextCompactionStep({ stage }: OpenCompaction): CompactionStep {
  switch (stage) {
    case 'called':
      return 'settle';
    case 'failed':
      return 'retry';
    case 'stored':
      return 'tell';
  }
}

/** The open compactions after one more record of their workspace. Pure; what changes nothing gives the same map. */
export function evolveCompactions(open: OpenCompactions, record: WorkspaceRecord): OpenCompactions {
  switch (record.type) {
    case 'checkpoint':
      // One that this process wrote stands for what is folded already.
      return record.state === null ? open : unpackCompactions(record.state);
    case 'compaction_called': {
      const { id, session_id, call, model, reserved_tokens, reserved_usd } = record;
      const attempts = open.get(session_id)?.attempts ?? 0;
      const called = { id, session_id, call, model, reserved_tokens, reserved_usd, attempts };
      return changed(open, { ...called, stage: 'called', retry_at: 0, summary: null });
    }
    case 'compaction_failed': {
      const { id, session_id, model, attempts, retry_at } = record;
      if (retry_at === null) return without(open, session_id);
      // One that came to no call leaves the number where it was.
      const call = Math.max(record.call, open.get(session_id)?.call ?? 0);
      const failed = { id, session_id, call, model, attempts, retry_at };
      return changed(open, { ...failed, stage: 'failed', reserved_tokens: 0, reserved_usd: 0, summary: null });
    }
    case 'summary_stored': {
      const { id, session_id, content, from, to, message_ids, user_ids = [] } = record.summary;
      const known = open.get(session_id);
      if (known?.id !== id) return open;
      return changed(open, { ...known, summary: { content, from, to, messages: message_ids.length, user_ids } });
    }
    case 'compaction_stored': {
      const known = open.get(record.session_id);
      if (known?.id !== record.id || known.summary === null) return open;
      return changed(open, { ...known, stage: 'stored', attempts: 0, reserved_tokens: 0, reserved_usd: 0 });
    }
    case 'compaction_ended':
      return open.get(record.session_id)?.id === record.id ? without(open, record.session_id) : open;
    case 'session_forgotten':
      return without(open, record.session_id);
    case 'user_erased':
      // A call that runs is settled first, whoever it was made for.
      return record.session_ids
        .filter((id) => open.get(id)?.stage !== 'called')
        .reduce(without, withoutWordsOf(open, record.user_id));
    default:
      return open;
  }
}

function changed(open: OpenCompactions, one: OpenCompaction): OpenCompactions {
  return new Map(open).set(one.session_id, one);
}

/** What was stored and not told yet is told without what somebody said: that it was summed up stays true. */
function withoutWordsOf(open: OpenCompactions, user_id: string): OpenCompactions {
  let left = open;
  for (const one of open.values()) {
    if (one.summary?.user_ids?.includes(user_id) === true)
      left = changed(left, { ...one, summary: { ...one.summary, content: WITHOUT_WORDS } });
  }
  return left;
}

function without(open: OpenCompactions, session_id: string): OpenCompactions {
  if (!open.has(session_id)) return open;
  const left = new Map(open);
  left.delete(session_id);
  return left;
}

export function packCompactions(open: OpenCompactions): PackedCompactions {
  return { open: [...open.values()] };
}

export function unpackCompactions({ open }: PackedCompactions): OpenCompactions {
  return new Map(open.map((one) => [one.session_id, one]));
}
