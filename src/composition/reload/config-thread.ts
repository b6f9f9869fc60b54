// SPDX-License-Identifier: Apache-2.0
// The worker that reads the configuration: file, environment and flags, checked like at the start, its secrets looked for.

import { existsSync, statSync } from 'node:fs';
import type { MessagePort } from 'node:worker_threads';
import { lookUpIn, quarantinedParts } from '../../cli/config-source.ts';
import { loadConfig, thisMachine } from '../../config/load.ts';
import type { Problem } from '../../config/problems.ts';
import { plainSecrets } from '../../config/secret-keys.ts';
import type { ConfigError } from '../../edge/ports.ts';
import { toFailure } from '../../errors.ts';
import { knownTypes } from '../known-types.ts';
import type { AskedConfig, ConfigRead, FromConfigJob } from './config-job.ts';
import { secretPrints } from './secret-prints.ts';

/** Bytes of a file that is read; the largest there is a use for is a hundredth of it. */
const FILE_MOST = 32 * 1024 * 1024;
/** Problems told of at a time; a file that is no configuration at all may have one on every line. */
const ERRORS_MOST = 1_000;

export function runConfigJob(root: MessagePort): void {
  const say = (message: FromConfigJob): void => root.postMessage(message);
  root.on('message', (asked: AskedConfig) => {
    read(asked).then(
      (found) => say({ say: 'read', read: found }),
      (thrown: unknown) => say({ say: 'failed', error: toFailure(thrown) }),
    );
  });
}

async function read({ file, dataDir, flags, flagNames, salt }: AskedConfig): Promise<ConfigRead> {
  const unreadable = file === null ? undefined : troubleOf(file);
  if (unreadable !== undefined) return { ok: false, errors: [unreadable], warnings: [] };
  const here = thisMachine();
  // Without a file none is looked for: whoever watches the places where one could appear names it.
  const machine = file === null ? { ...here, env: { ...here.env, SIGIL_CONFIG: '' }, exists: () => false } : here;
  const result = await loadConfig({
    known: knownTypes,
    ...(file === null ? {} : { configPath: file }),
    ...{ flags, flagNames, machine, lookUp: lookUpIn(dataDir) },
  });
  const warnings = result.warnings.map(({ message }) => message);
  if (!result.ok) return { ok: false, errors: result.problems.slice(0, ERRORS_MOST).map(errorOf), warnings };
  const { config, declared } = result;
  return {
    ok: true,
    config,
    declared,
    quarantined: quarantinedParts(result.quarantined),
    warnings,
    hidden: plainSecrets(declared, machine),
    prints: secretPrints(config, machine, salt),
  };
}

function troubleOf(file: string): ConfigError | undefined {
  const about = { place: file, line: null, key: '' };
  if (!existsSync(file)) {
    const message = `${file}: found no file; allowed: a file this user may read. What was in it stays in force until it is back.`;
    return { ...about, found: 'no file', allowed: 'a file this user may read', message };
  }
  const { size } = statSync(file);
  if (size <= FILE_MOST) return undefined;
  const [found, allowed] = [`a file of ${size} bytes`, `at most ${FILE_MOST} bytes`];
  return { ...about, found, allowed, message: `${file}: found ${found}; allowed: ${allowed}.` };
}

function errorOf({ origin, file, line, name, path, found, allowed, message }: Problem): ConfigError {
  const place = origin === 'file' ? (file ?? '') : (name ?? '');
  return { place, line: line ?? null, key: path, found, allowed, message };
}
