// SPDX-License-Identifier: Apache-2.0
// The work on skills' files as jobs, data in and data out: a running gateway has its pool do them, a command does them itself.

import type { PlaceScan } from '../../agent/skills/resolve.ts';
import type { SkillPlace } from '../../agent/skills/skill.ts';
import type { FileList } from '../../agent/tools/skills-port.ts';
import { type Failure, SigilError, toFailure } from '../../errors.ts';
import type { Staged } from './staged.ts';

/** What is to be done. `id` is a new one for each job that writes. */
export type SkillJob =
  | { readonly do: 'scan'; readonly folder: string }
  | { readonly do: 'tidy'; readonly folder: string }
  | { readonly do: 'list'; readonly folder: string; readonly name: string }
  | {
      readonly do: 'stage';
      readonly folder: string;
      readonly source: string;
      readonly name: string | undefined;
      readonly id: string;
    }
  | {
      readonly do: 'commit';
      readonly folder: string;
      readonly staged: Staged;
      readonly replace: boolean;
      readonly id: string;
    }
  | { readonly do: 'discard'; readonly staged: Staged }
  | {
      readonly do: 'link';
      readonly folder: string;
      readonly name: string;
      readonly to: SkillPlace;
      readonly replace: boolean;
      readonly id: string;
    }
  | { readonly do: 'remove'; readonly folder: string; readonly name: string; readonly id: string };

interface Answers {
  readonly scan: PlaceScan;
  readonly tidy: null;
  readonly list: FileList;
  readonly stage: Staged;
  readonly commit: null;
  readonly discard: null;
  readonly link: null;
  readonly remove: null;
}

export type SkillAnswer<J extends SkillJob> = Answers[J['do']];

/** An answer as it crosses threads: errors do not keep what they are. */
export type SkillOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: Failure };

/** Does a job. @throws SigilError */
export type SkillWork = <J extends SkillJob>(job: J) => Promise<SkillAnswer<J>>;

/** Does a job here. Never rejects. */
export async function skillOutcome(job: SkillJob): Promise<SkillOutcome> {
  try {
    return { ok: true, value: await done(job) };
  } catch (thrown) {
    return { ok: false, error: toFailure(thrown) };
  }
}

async function done(job: SkillJob): Promise<Answers[SkillJob['do']]> {
  // Each job loads only what it needs: what reads no archive loads no reader of archives.
  const put = () => import('./stage.ts');
  switch (job.do) {
    case 'scan':
      return await (await import('./scan.ts')).scanPlace(job.folder, true);
    case 'list': {
      const { listInside, skillRoot } = await import('./read-inside.ts');
      return await listInside(await skillRoot(job.folder, job.name), []);
    }
    case 'tidy':
      await (await put()).tidyFolder(job.folder);
      return null;
    case 'stage':
      return await (await put()).stageSkill(job.folder, job.source, job.name, job.id);
    case 'commit':
      await (await put()).commitSkill(job.folder, job.staged, job.replace, job.id);
      return null;
    case 'discard':
      await (await put()).discardSkill(job.staged);
      return null;
    case 'link':
      await (await put()).putLink(job.folder, job.name, job.to, job.replace, job.id);
      return null;
    case 'remove':
      await (await put()).removeSkill(job.folder, job.name, job.id);
      return null;
  }
}

/** The work over whatever runs it. */
export function skillWork(run: (job: SkillJob) => Promise<SkillOutcome>): SkillWork {
  return async <J extends SkillJob>(job: J) => {
    const outcome = await run(job);
    if (outcome.ok) return outcome.value as SkillAnswer<J>;
    throw new SigilError(outcome.error);
  };
}
