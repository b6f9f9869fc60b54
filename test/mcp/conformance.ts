// SPDX-License-Identifier: Apache-2.0
// `npm run test:mcp`: the official conformance runner's scenarios for clients, through our own door.

import { execFile, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Fetched when it is first run: with it comes a whole client of GitHub, which nobody who works on something else needs. */
const RUNNER = '@modelcontextprotocol/conformance';
const VERSION = '0.1.16';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HOME = join(ROOT, 'node_modules/.cache', `mcp-conformance-${VERSION}`);
const BIN = join(HOME, 'node_modules/.bin/conformance');
const CLIENT = `${process.execPath} --disable-warning=ExperimentalWarning ${join(ROOT, 'test/mcp/conformance-client.ts')}`;

/** Those that are about what we do. */
const APPLY = ['initialize', 'tools_call', 'sse-retry'];
/** Those that are not, and why. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/^elicitation-/, 'a server cannot ask a person through us: elicitation is not offered'],
  [/^auth\//, 'we sign in with headers of the configuration, not by OAuth'],
];

const run = promisify(execFile);

if (!existsSync(BIN)) {
  process.stdout.write(`fetching ${RUNNER} ${VERSION}\n`);
  mkdirSync(HOME, { recursive: true });
  const fetched = ['install', '--silent', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', HOME];
  execFileSync('npm', [...fetched, `${RUNNER}@${VERSION}`], { stdio: ['ignore', 'inherit', 'inherit'] });
}

const { stdout: listed } = await run(process.execPath, [BIN, 'list']);
const scenarios = (listed.split('Client scenarios')[1] ?? '').split('\n').flatMap((line) => {
  const name = /^\s*- (\S+)/.exec(line)?.[1];
  return name === undefined ? [] : [name];
});
const reasonOf = (name: string): string | undefined => OTHERS.find(([pattern]) => pattern.test(name))?.[1];
const unknown = scenarios.filter((name) => !APPLY.includes(name) && reasonOf(name) === undefined);
const missing = APPLY.filter((name) => !scenarios.includes(name));
let failed = unknown.length + missing.length;
for (const name of unknown) process.stdout.write(`?     ${name}: nobody has said whether it applies\n`);
for (const name of missing) process.stdout.write(`?     ${name}: the runner does not have it any more\n`);

const scratch = mkdtempSync(join(tmpdir(), 'sigil-mcp-'));
for (const name of APPLY) {
  const args = [BIN, 'client', '--command', CLIENT, '--scenario', name, '-o', scratch];
  const { ok, said } = await run(process.execPath, args, { timeout: 60_000 }).then(
    ({ stdout }) => ({ ok: true, said: stdout }),
    (error: { readonly stdout?: string; readonly message: string }) => ({
      ok: false,
      said: error.stdout ?? error.message,
    }),
  );
  if (!ok) failed += 1;
  const checks = /Passed: [^\n]*/.exec(said)?.[0] ?? '';
  process.stdout.write(`${ok ? 'ok   ' : 'FAIL '} ${name}${checks === '' ? '' : ` (${checks.toLowerCase()})`}\n`);
  if (!ok) process.stdout.write(`${said}\n`);
}
rmSync(scratch, { recursive: true, force: true });
for (const [pattern, why] of OTHERS) {
  const names = scenarios.filter((name) => pattern.test(name));
  process.stdout.write(`–     ${names.length} of ${pattern.source}: ${why}\n`);
}
process.stdout.write(`${APPLY.length - missing.length} run, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
