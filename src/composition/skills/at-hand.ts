// SPDX-License-Identifier: Apache-2.0
// Skills where no gateway runs: a command reads and changes the files itself.

import { readdir } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Readable } from 'node:stream';
import type { SkillKeeping } from '../../agent/skills/keeping.ts';
import { EMPTY_SCAN, type PlaceScan, skillsOf } from '../../agent/skills/resolve.ts';
import { SHARED, type SkillPlace, type SkillSet } from '../../agent/skills/skill.ts';
import type { SkillsAtHand } from '../../cli/command.ts';
import type { Config } from '../../config/schema.ts';
import { failure, SigilError } from '../../errors.ts';
import { realWorld } from '../real-world.ts';
import { entriesAt, PUT_MOST, tooMuch } from './entries.ts';
import { folderOf, hasFolder, workspacesWithFiles } from './folders.ts';
import { mayHold } from './gateway-skills.ts';
import { createSkillKeeping } from './keeping.ts';
import { scanPlace } from './scan.ts';
import { skillOutcome, skillWork } from './work.ts';

/** What is done with the files of a data directory no gateway runs in. */
function atHand(config: Config, dataDir: string): SkillKeeping {
  const scans = async (places: readonly SkillPlace[]): Promise<ReadonlyMap<SkillPlace, PlaceScan>> => {
    const known = new Map<SkillPlace, PlaceScan>();
    for (const place of places) known.set(place, await scanPlace(folderOf(dataDir, place)));
    return known;
  };
  const setOf = async (place: SkillPlace): Promise<SkillSet> => {
    const own = await scans([place, SHARED]);
    const linked = (own.get(place) ?? EMPTY_SCAN).entries.flatMap((entry) => (entry.kind === 'link' ? [entry.to] : []));
    const others = await scans(linked.filter((to) => !own.has(to)));
    const named = place === SHARED ? undefined : config.workspaces[place]?.skills;
    return skillsOf(place, named, (of) => own.get(of) ?? others.get(of));
  };
  return createSkillKeeping({
    ...{ dataDir, work: skillWork(skillOutcome), uuid: realWorld.uuid, setOf },
    linksTo: async (place, name) => {
      const found: SkillPlace[] = [];
      for (const from of [SHARED, ...(await workspacesWithFiles(dataDir))]) {
        if (!(await hasFolder(dataDir, from))) continue;
        const { entries } = await scanPlace(folderOf(dataDir, from));
        if (entries.some((entry) => entry.kind === 'link' && entry.name === name && entry.to === place))
          found.push(from);
      }
      return found;
    },
    changed: () => Promise.resolve(),
    exists: (place) => mayHold(config, dataDir, place),
  });
}

/**
 * A folder as an archive that can be sent; everything is looked at before the first byte goes out.
 *
 * @throws SigilError for what a skill may not hold
 */
async function pack(folder: string): Promise<Readable> {
  const top = basename(folder);
  const names = await readdir(folder);
  if (names.length === 0) throw new SigilError(failure('validation_failed', `${folder} is empty.`));
  const archive = (await import('tar-stream')).pack();
  let bytes = 0;
  for await (const { path, is, executable, content } of entriesAt(folder)) {
    if (is === 'folder') continue;
    if (is !== 'file') {
      const message = `${path} is a link or no plain file, and a skill may hold none.`;
      throw new SigilError(failure('validation_failed', message));
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > PUT_MOST.archive) throw tooMuch(`more than ${PUT_MOST.archive} bytes`);
    }
    archive.entry({ name: `${top}/${path}`, mode: executable ? 0o755 : 0o644 }, Buffer.concat(chunks));
  }
  archive.finalize();
  return archive;
}

export const skillsOfFiles: SkillsAtHand = { atHand, pack };
