// SPDX-License-Identifier: Apache-2.0
// What must hold of compactions as they become durable: one of a session at a time, nothing summed up twice, nothing let go that is not known.

import { evolveCompactions, NO_COMPACTIONS, type OpenCompactions } from '../../src/stores/compaction-fold.ts';
import type { JournalRow } from '../../src/stores/records.ts';
import { tokensOf } from '../../src/stores/session-state.ts';
import { restoreWorkspace, type WorkspaceRecord } from '../../src/stores/workspace-records.ts';
import type { Broke } from './broke.ts';

export class CompactionRules {
  /** Records of workspaces so far. */
  written = 0;
  /** Tokens of calls that were made for summaries. */
  tokens = 0;
  /** Summaries that are stored, by id, with the messages they stand for. */
  readonly stored = new Map<string, { readonly session_id: string; readonly message_ids: readonly string[] }>();
  /** Those their sessions know. */
  private readonly told = new Set<string>();
  private readonly summed = new Set<string>();
  private readonly open = new Map<string, OpenCompactions>();
  private readonly broke: Broke;

  constructor(broke: Broke) {
    this.broke = broke;
  }

  /** Compactions that are not over. */
  get pending(): number {
    let count = 0;
    for (const open of this.open.values()) count += open.size;
    return count;
  }

  /** A session has written that it knows one. */
  compacted(compaction_id: string): void {
    if (!this.stored.has(compaction_id)) this.broke('memory', `${compaction_id} is known before it is stored`);
    this.told.add(compaction_id);
  }

  row(row: JournalRow): void {
    const record = restoreWorkspace(row);
    this.written += 1;
    const before = this.open.get(row.stream) ?? NO_COMPACTIONS;
    this.check(row.stream, record, before);
    this.open.set(row.stream, evolveCompactions(before, record));
  }

  private check(stream: string, record: WorkspaceRecord, open: OpenCompactions): void {
    switch (record.type) {
      case 'compaction_called': {
        const stage = open.get(record.session_id)?.stage;
        if (stage === 'called' || stage === 'stored')
          this.broke('memory', `${stream}: ${record.session_id} is compacted twice at once`);
        break;
      }
      case 'compaction_failed':
        this.tokens += tokensOf(record.usage) + record.settled_tokens;
        break;
      case 'compaction_stored':
        this.tokens += tokensOf(record.usage);
        if (!this.stored.has(record.id)) this.broke('memory', `${stream}: ${record.id} is stored without a summary`);
        break;
      case 'summary_stored': {
        const { id, session_id, message_ids } = record.summary;
        this.stored.set(id, { session_id, message_ids });
        for (const message of message_ids) {
          const key = `${session_id} ${message}`;
          if (this.summed.has(key)) this.broke('memory', `${stream}: ${key} is summed up twice`);
          this.summed.add(key);
        }
        break;
      }
      case 'summary_confirmed':
        if (!this.told.has(record.id)) this.broke('memory', `${stream}: ${record.id} is confirmed, and not known`);
        break;
      default:
        break;
    }
  }
}
