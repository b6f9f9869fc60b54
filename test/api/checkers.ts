// SPDX-License-Identifier: Apache-2.0
// Tools of others that read OpenAPI documents: fetched when they are first run, since they weigh more than all we depend on.

import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const DOCUMENT = join(ROOT, 'docs/openapi.json');

const TOOLS = {
  '@redocly/cli': '2.77.0',
  '@stoplight/spectral-cli': '6.16.3',
  '@stoplight/prism-cli': '5.16.0',
  'openapi-typescript': '7.13.0',
  'openapi-fetch': '0.17.0',
} as const;

const VERSIONS = Object.values(TOOLS).join('-');
/** Where they lie; a change of a version is another place. */
export const HOME = join(ROOT, 'node_modules/.cache', `api-${VERSIONS}`);

export function fetchTools(): void {
  // Written last by the install: one that was broken off is made again.
  if (existsSync(join(HOME, 'node_modules/.package-lock.json'))) return;
  process.stdout.write(`fetching ${Object.keys(TOOLS).join(', ')}\n`);
  mkdirSync(HOME, { recursive: true });
  const options = ['--silent', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', HOME];
  const packages = Object.entries(TOOLS).map(([name, version]) => `${name}@${version}`);
  execFileSync('npm', ['install', ...options, ...packages], { stdio: ['ignore', 'inherit', 'inherit'] });
}

/** The file behind a command of theirs. */
export function commandOf(name: keyof typeof TOOLS, command: string): string {
  const manifest = createRequire(import.meta.url)(join(HOME, 'node_modules', name, 'package.json')) as {
    readonly bin: Readonly<Record<string, string>>;
  };
  return join(HOME, 'node_modules', name, manifest.bin[command] ?? '');
}

export interface Ran {
  readonly ok: boolean;
  readonly said: string;
}

/** Runs a program of node to its end, with what it says on both streams. */
export function run(args: readonly string[], cwd = ROOT): Promise<Ran> {
  // None of them is to tell anybody that it was run.
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', NO_COLOR: '1' };
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd, env, timeout: 120_000, maxBuffer: 16 * 1024 * 1024 }, (error, out, err) =>
      resolve({ ok: error === null, said: `${out}${err}`.trim() }),
    );
  });
}

/** Both checkers over the checked-in document: a warning counts as much as an error. */
export async function checkDocument(): Promise<Readonly<Record<string, Ran>>> {
  const redocly = [commandOf('@redocly/cli', 'redocly'), 'lint', DOCUMENT, '--extends=recommended', '--format=stylish'];
  const rules = join(ROOT, 'test/api/spectral.json');
  const spectral = [commandOf('@stoplight/spectral-cli', 'spectral'), 'lint', DOCUMENT, '-r', rules, '-F', 'warn'];
  const [one, other] = await Promise.all([run(redocly), run(spectral)]);
  return { redocly: { ...one, ok: one.ok && !/\bwarning\b/.test(one.said) }, spectral: other };
}
