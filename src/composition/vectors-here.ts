// SPDX-License-Identifier: Apache-2.0
// Whether vectors can be made and kept here: found out once, before any thread tries, and where they cannot nothing does.

import type { Quarantined } from '../actors/gateway/protocol.ts';
import type { Config } from '../config/schema.ts';
import { vecTrouble } from '../stores/sqlite/vec-extension.ts';
import { embeddingChoice } from './embedding-choice.ts';

/** The configuration as it can run here, and what is to be said about it. */
export interface VectorsHere {
  readonly config: Config;
  readonly leftOut: readonly Quarantined[];
}

export function vectorsHere(config: Config, trouble: () => string | undefined = vecTrouble): VectorsHere {
  const choice = embeddingChoice(config);
  if (choice.kind === 'off') return { config, leftOut: [] };
  if (choice.kind === 'refused') {
    const { what, message, advice } = choice;
    return { config: without(config), leftOut: [{ what, code: 'validation_failed', message, advice }] };
  }
  const why = trouble();
  if (why === undefined) return { config, leftOut: [] };
  return {
    config: without(config),
    leftOut: [
      {
        what: 'sessions.memory.embeddings',
        code: 'storage_failed',
        message: `${why}: nothing is embedded, and search and recall go by words alone.`,
        advice: 'Install with optional dependencies on a platform sqlite-vec is made for, or turn it off.',
      },
    ],
  };
}

function without(config: Config): Config {
  const { memory } = config.sessions;
  const embeddings = Object.freeze({ ...memory.embeddings, enabled: false });
  const sessions = Object.freeze({ ...config.sessions, memory: Object.freeze({ ...memory, embeddings }) });
  return Object.freeze({ ...config, sessions });
}
