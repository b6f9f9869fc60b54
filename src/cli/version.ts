// SPDX-License-Identifier: Apache-2.0
// `sigil version`: version, commit, node version, platform.

import { existsSync, readFileSync } from 'node:fs';
import type { CommandRun } from './command.ts';

/** What this program is. */
export interface VersionInfo {
  readonly version: string;
  /** Empty when it is not known. */
  readonly commit: string;
  readonly node: string;
  readonly platform: string;
}

/** The nearest directory above this file with our package.json: sources lie two levels deep, what is built one. */
function root(): URL {
  for (const up of ['../', '../../']) {
    const candidate = new URL(up, import.meta.url);
    if (existsSync(new URL('package.json', candidate))) return candidate;
  }
  return new URL('./', import.meta.url);
}

function read(url: URL): string {
  try {
    return readFileSync(url, 'utf8');
  } catch {
    return '';
  }
}

/** What git has checked out, read from its files: to start git would take longer than all the rest. */
function checkedOut(base: URL): string {
  const head = read(new URL('.git/HEAD', base)).trim();
  if (/^[0-9a-f]{40,64}$/.test(head)) return head;
  const ref = /^ref: (\S+)$/.exec(head)?.[1];
  if (ref === undefined) return '';
  const loose = read(new URL(`.git/${ref}`, base)).trim();
  if (loose !== '') return loose;
  const packed = read(new URL('.git/packed-refs', base)).split('\n');
  return packed.find((line) => line.endsWith(` ${ref}`))?.split(' ')[0] ?? '';
}

/** What this program is, from the files beside it. */
export function versionInfo(): VersionInfo {
  const base = root();
  const stated: unknown = JSON.parse(read(new URL('package.json', base)) || '{}');
  const known = typeof stated === 'object' && stated !== null ? stated : {};
  return {
    version: 'version' in known ? String(known.version) : '0.0.0',
    // A published copy has no repository around it: whoever packs it may leave the commit as npm does.
    commit: checkedOut(base) || ('gitHead' in known ? String(known.gitHead) : ''),
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
  };
}

/** The line `sigil version` prints. */
export function versionText({ version, commit, node, platform }: VersionInfo): string {
  return `sigil ${version} (commit ${commit === '' ? 'unknown' : commit.slice(0, 12)}, node ${node}, ${platform})`;
}

export const run: CommandRun = async ({ output }) => {
  const info = versionInfo();
  if (output.json) output.document(info);
  else output.line(versionText(info));
  return 0;
};
