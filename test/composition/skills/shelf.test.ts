// SPDX-License-Identifier: Apache-2.0
// The skills of a gateway while their folders change under it: what each workspace is told, and when.

import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SkillSet } from '../../../src/agent/skills/skill.ts';
import { SkillShelf } from '../../../src/composition/skills/shelf.ts';
import { skillOutcome, skillWork } from '../../../src/composition/skills/work.ts';
import { until } from '../../edge/client.ts';

const base = mkdtempSync(join(tmpdir(), 'sigil-shelf-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

let dataDir: string;
let told: Map<string, SkillSet>;
let logged: (readonly [Readonly<Record<string, unknown>>, string])[];
let shelf: SkillShelf;
const lab = (): string => join(dataDir, 'workspaces', 'lab', 'skills');
const write = (folder: string, name: string, body: string): void => {
  mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, name, 'SKILL.md'), `---\nname: ${name}\ndescription: D.\n---\n${body}\n`);
};
/** What a workspace was told it has. */
const has = (workspace: string): string =>
  (told.get(workspace)?.skills ?? []).map(({ name, body }) => `${name}=${body}`).join(' ');
const becomes = async (workspace: string, what: string): Promise<void> => {
  await until(() => has(workspace) === what, 10_000).catch(() => expect(has(workspace)).toBe(what));
};

beforeEach(async () => {
  dataDir = mkdtempSync(join(base, 'data-'));
  told = new Map();
  logged = [];
  shelf = new SkillShelf({
    dataDir,
    work: skillWork(skillOutcome),
    // Waits a twentieth of what it is told to: all that is looked at now and then is looked at soon.
    world: {
      monotonic: () => performance.now(),
      after: (ms, run) => {
        const timer = setTimeout(run, ms / 20);
        return () => clearTimeout(timer);
      },
    },
    named: (id) => (id === 'den' ? ['common', 'a'] : undefined),
    workspaces: () => ['lab', 'den'],
    log: (_, fields, message) => void logged.push([fields, message]),
    changed: (workspace, set) => void told.set(workspace, set),
  });
  write(lab(), 'a', 'one');
  write(join(dataDir, 'skills'), 'common', 'shared');
  await shelf.start();
});
afterEach(() => shelf.stop());

describe('a workspace', () => {
  it('has at the start what lies there, and is told nothing where nothing does', () => {
    expect([has('lab'), has('den')]).toEqual(['a=one', 'common=shared']);
    expect([...shelf.all().keys()].toSorted()).toEqual(['den', 'lab']);
  });

  it('is told of a folder that comes to be later, of one it was never configured with too', async () => {
    write(join(dataDir, 'workspaces', 'personal%3Aada', 'skills'), 'own', 'mine');
    await becomes('personal:ada', 'own=mine');
    write(join(dataDir, 'workspaces', 'den', 'skills'), 'a', 'den');
    await becomes('den', 'a=den common=shared');
  });

  it('is told when all of its folder is another, is gone, and is back', async () => {
    const other = join(dataDir, 'other');
    write(other, 'b', 'two');
    rmSync(lab(), { recursive: true });
    cpSync(other, lab(), { recursive: true });
    await becomes('lab', 'b=two');
    write(lab(), 'b', 'three');
    await becomes('lab', 'b=three');
    renameSync(lab(), join(dataDir, 'away'));
    await becomes('lab', '');
    // It may have been gone in the middle of a look, which found a folder without what lay in it.
    await until(() => !shelf.all().has('lab'));
    renameSync(join(dataDir, 'away'), lab());
    await becomes('lab', 'b=three');
    write(lab(), 'b', 'four');
    await becomes('lab', 'b=four');
  });

  it('is told of what changes where its links lead, and in what is shared', async () => {
    const personal = join(dataDir, 'workspaces', 'personal%3Aada', 'skills');
    mkdirSync(personal, { recursive: true });
    writeFileSync(join(personal, 'a.link'), '{"place":"lab"}');
    await becomes('personal:ada', 'a=one');
    write(lab(), 'a', 'two');
    await becomes('personal:ada', 'a=two');
    write(join(dataDir, 'skills'), 'common', 'newer');
    await becomes('den', 'common=newer');
    expect(shelf.linksTo('lab', 'a')).toEqual(['personal:ada']);
  });

  it('is told nothing when nothing of it is other than before', async () => {
    told.clear();
    const file = join(lab(), 'a', 'SKILL.md');
    writeFileSync(`${file}.new`, '---\nname: a\ndescription: D.\n---\none\n');
    renameSync(`${file}.new`, file);
    writeFileSync(join(lab(), 'a', 'notes.md'), 'x');
    expect((await shelf.fresh('lab')).skills).toHaveLength(1);
    write(lab(), 'z', 'last');
    await becomes('lab', 'a=one z=last');
    expect([...told.keys()]).toEqual(['lab']);
  });
});

it('a broken file is said once, and mended is as it says', async () => {
  writeFileSync(join(lab(), 'a', 'SKILL.md'), 'nothing');
  await until(() => logged.length > 0);
  expect(logged).toEqual([
    [expect.objectContaining({ place: 'lab', skill: 'a' }), 'a skill is broken; what it said before goes on'],
  ]);
  expect(has('lab')).toBe('a=one');
  await shelf.fresh('lab');
  write(lab(), 'b', 'more');
  await becomes('lab', 'a=one b=more');
  expect(logged).toHaveLength(1);
  write(lab(), 'a', 'mended');
  await becomes('lab', 'a=mended b=more');
});

it('a file that is broken when a gateway starts leaves what it said last, until it is mended or gone', async () => {
  const next = async (): Promise<SkillShelf> => {
    const other = new SkillShelf({
      ...{ dataDir, named: () => undefined, workspaces: () => ['lab'], work: skillWork(skillOutcome) },
      world: { monotonic: () => 0, after: () => () => undefined },
      log: (_, fields, message) => void logged.push([fields, message]),
      changed: () => undefined,
    });
    await other.start();
    return other;
  };
  const of = (other: SkillShelf): unknown =>
    other
      .all()
      .get('lab')
      ?.skills.map(({ name, body, stale }) => `${name}=${body.trim()} ${stale !== null}`);
  shelf.stop();
  writeFileSync(join(lab(), 'a', 'SKILL.md'), 'nothing');
  const second = await next();
  expect(of(second)).toEqual(['a=one true']);
  expect(logged.at(-1)?.[1]).toBe('a skill is broken; what it said before goes on');
  second.stop();
  write(lab(), 'a', 'mended');
  const third = await next();
  expect(of(third)).toEqual(['a=mended false']);
  third.stop();
  rmSync(join(lab(), 'a'), { recursive: true });
  (await next()).stop();
  mkdirSync(join(lab(), 'a'));
  writeFileSync(join(lab(), 'a', 'SKILL.md'), 'nothing');
  const last = await next();
  expect(of(last)).toEqual([]);
  last.stop();
});

it('what cannot be read by a worker leaves what was known', async () => {
  let broken = false;
  const work = skillWork(skillOutcome);
  const other = new SkillShelf({
    ...{ dataDir, named: () => undefined, workspaces: () => ['lab'] },
    world: { monotonic: () => 0, after: () => () => undefined },
    work: async (job) => {
      if (broken) throw new Error('the worker died');
      return await work(job);
    },
    log: (_, fields, message) => void logged.push([fields, message]),
    changed: (workspace, set) => void told.set(workspace, set),
  });
  await other.start();
  broken = true;
  write(lab(), 'a', 'unseen');
  expect((await other.fresh('lab')).skills.map(({ body }) => body)).toEqual(['one']);
  expect(logged.at(-1)?.[1]).toContain('cannot be read');
  other.stop();
});
