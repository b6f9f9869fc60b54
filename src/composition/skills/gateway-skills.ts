// SPDX-License-Identifier: Apache-2.0
// The skills of a running gateway, put together: the pool does the work, the shelf keeps what it found, HTTP changes it.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { SkillKeeping } from '../../agent/skills/keeping.ts';
import { SHARED, type SkillSet } from '../../agent/skills/skill.ts';
import type { Config } from '../../config/schema.ts';
import type { ThreadContext } from '../context.ts';
import type { JobPool } from '../pool.ts';
import { workspaceHasFiles } from './folders.ts';
import type { SkillSets } from './here.ts';
import { createSkillKeeping, UPLOADS } from './keeping.ts';
import { SkillShelf } from './shelf.ts';
import { type SkillOutcome, skillWork } from './work.ts';

/** How long a start waits for skills to be read, in milliseconds: a disk that hangs is no reason to serve nobody. */
const START_WITHIN = 15_000;

export interface GatewaySkills {
  readonly keeping: SkillKeeping;
  all(): SkillSets;
  /** Reads what there is; never rejects. */
  start(): Promise<void>;
  /** Another configuration is in force. */
  follow(): void;
  stop(): void;
}

/** @param changed told of a workspace that has something else */
export function gatewaySkills(
  { world, house, log }: ThreadContext,
  pool: Pick<JobPool, 'run'>,
  changed: (workspace: string, set: SkillSet) => void,
): GatewaySkills {
  const { data_dir: dataDir } = house;
  const work = skillWork(async (job) => (await pool.run('skills', job)) as SkillOutcome);
  const named = (id: string): readonly string[] | undefined => house.config.workspaces[id]?.skills;
  const workspaces = (): readonly string[] => Object.keys(house.config.workspaces);
  const shelf = new SkillShelf({ dataDir, work, world, named, workspaces, log, changed });
  const keeping = createSkillKeeping({
    ...{ dataDir, work, uuid: () => world.uuid() },
    setOf: (place) => shelf.fresh(place),
    linksTo: async (place, name) => shelf.linksTo(place, name),
    changed: async (place) => void (await shelf.fresh(place)),
    exists: (place) => mayHold(house.config, dataDir, place),
  });
  const read = async (): Promise<void> => {
    await rm(join(dataDir, UPLOADS), { recursive: true, force: true }).catch(() => undefined);
    await shelf.start().catch((error: unknown) => log('error', { err: error }, 'skills cannot be read'));
  };
  return {
    keeping,
    all: () => shelf.all(),
    start: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const late = world.after(START_WITHIN, () => {
        log('warn', { within_ms: START_WITHIN }, 'skills take long to be read: the gateway starts without them');
        resolve();
      });
      void read().then(() => {
        late();
        resolve();
      });
      return promise;
    },
    follow: () => shelf.follow(),
    stop: () => shelf.stop(),
  };
}

/** Whether skills may lie in a place: the shared ones, a configured workspace, a personal one, one somebody wrote in. */
export async function mayHold(config: Config, dataDir: string, place: string): Promise<boolean> {
  if (place === SHARED || Object.hasOwn(config.workspaces, place) || place.startsWith('personal:')) return true;
  return await workspaceHasFiles(dataDir, place);
}
