// SPDX-License-Identifier: Apache-2.0
// The answers of the read thread about what a workspace knows. A workspace that knows nothing yet has no file.

import { failure, SigilError } from '../../errors.ts';
import type { KnowledgeQueries, KnowledgeQuery } from '../knowledge-queries.ts';
import type { KnowledgeReader } from './knowledge-reader.ts';

type Answers = {
  readonly [Q in KnowledgeQuery]: (body: KnowledgeQueries[Q]['body']) => KnowledgeQueries[Q]['reply'];
};

/** @param of a workspace's file; undefined while it has none */
export function knowledgeAnswers(of: (workspace: string) => KnowledgeReader | undefined): Answers {
  const none = { items: [], next_cursor: null };
  return {
    'knowledge.entity': ({ workspace_id, id, user_id }) => of(workspace_id)?.entity(id, user_id) ?? unknown(id),
    'knowledge.entities': (body) => of(body.workspace_id)?.entities(body) ?? none,
    'knowledge.relationships': (body) => ({ items: of(body.workspace_id)?.relationships(body) ?? [] }),
    'knowledge.facts': (body) => of(body.workspace_id)?.facts(body) ?? none,
    'knowledge.graph': (body) => of(body.workspace_id)?.graph(body) ?? unknown(body.start_id),
    'knowledge.recall': (body) => ({ items: of(body.workspace_id)?.recall(body) ?? [] }),
  };
}

function unknown(id: string): never {
  throw new SigilError(failure('not_found', `entity ${id} does not exist`));
}
