// SPDX-License-Identifier: Apache-2.0
// A path below a skill's folder, taken apart before anything on a disk is looked at.

/** Bounds of a path: characters, parts, bytes of one part (what file systems take). */
const MOST = { path: 1_024, parts: 32, part: 255 } as const;

export type SkillPath =
  | { readonly ok: true; readonly parts: readonly string[] }
  | { readonly ok: false; readonly message: string };

const refused = (message: string): SkillPath => ({ ok: false, message });

/** The parts of a path; none for the folder itself. Nothing in them can lead anywhere but down. */
export function skillPath(path: string): SkillPath {
  if (path.length > MOST.path) return refused(`A path has at most ${MOST.path} characters.`);
  if (!path.isWellFormed() || /\p{Cc}/u.test(path)) return refused('A path holds no control characters.');
  if (path.includes('\\')) return refused('A path is written with /.');
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path) || path.startsWith('~'))
    return refused('A path begins in the folder of its skill, such as references/guide.md.');
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) return refused('A path does not leave the folder of its skill.');
  if (parts.length > MOST.parts) return refused(`A path has at most ${MOST.parts} parts.`);
  if (parts.some((part) => new TextEncoder().encode(part).length > MOST.part))
    return refused(`A name in a path has at most ${MOST.part} bytes.`);
  return { ok: true, parts };
}
