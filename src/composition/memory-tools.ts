// SPDX-License-Identifier: Apache-2.0
// The memory the tools of a turn are given: bound to its workspace and to the person who asks.

import { hash } from 'node:crypto';
import { SUBJECT } from '../agent/tools/memory.ts';
import type { Known, MemoryPort, Statement } from '../agent/tools/memory-port.ts';
import { foldedText } from '../stores/folded-text.ts';
import type { RecalledRow } from '../stores/knowledge-queries.ts';
import type { KnowledgeStore } from '../stores/knowledge-store.ts';
import type { ReadStore } from '../stores/session-store.ts';

export interface MemoryToolsOptions {
  readonly read: ReadStore;
  readonly knowledge: KnowledgeStore;
  readonly workspace_id: string;
  readonly user_id: string;
  readonly turn_id: string;
}

export function memoryTools({ read, knowledge, workspace_id, user_id, turn_id }: MemoryToolsOptions): MemoryPort {
  return {
    search: async (words, limit) => (await read.read('message.search', { workspace_id, user_id, words, limit })).items,
    known: async (words, limit) => {
      const { items } = await read.read('knowledge.recall', { workspace_id, user_id, words, limit });
      return items.map(knownOf);
    },
    remember: async (statement) => {
      const { entity_id, fact_id } = idsOf(user_id, statement);
      const { subject, predicate, value } = statement;
      await knowledge.putFacts(
        workspace_id,
        [{ id: fact_id, entityId: entity_id, predicate, value, source: turn_id, userId: user_id }],
        [{ id: entity_id, type: SUBJECT, name: subject, userId: user_id }],
      );
      return 'facts';
    },
  };
}

/**
 * Ids that follow from what is said and by whom: a call that is made again after a crash adds nothing, and what two people
 * say of "my dog" is said of two dogs.
 */
function idsOf(user_id: string, { subject, predicate, value }: Statement) {
  const entity_id = uuidV8(['subject', user_id, foldedText(subject)]);
  return { entity_id, fact_id: uuidV8(['fact', entity_id, predicate, value]) };
}

/** A UUID made of a digest (RFC 9562, version 8). */
function uuidV8(parts: readonly string[]): string {
  const digits = hash('sha256', JSON.stringify(parts), 'hex').slice(0, 32);
  const variant = ((Number.parseInt(digits.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  const hex = `${digits.slice(0, 12)}8${digits.slice(13, 16)}${variant}${digits.slice(17)}`;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function knownOf(row: RecalledRow): Known {
  if (row.kind === 'entity') {
    const { type, name, properties, created_at } = row.entity;
    return { kind: 'entity', type, name, properties, created_at };
  }
  const { entity_id, entity_name, predicate, value, created_at } = row.fact;
  return { kind: 'fact', subject: entity_name ?? entity_id, predicate, value, created_at };
}
