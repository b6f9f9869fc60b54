// SPDX-License-Identifier: Apache-2.0
// The process's entry: the compile cache, the shortest way to `version`, and everything else by the command line.

import type { WorkerHost } from './composition/workers.ts';

/**
 * Compiled code and stripped types are kept from one start to the next: beside the dependencies where this user may
 * write there, else in the user's own cache. Without a cache everything works, only slower.
 */
function enableCompileCache(): void {
  // By `import` these modules also get every export named, which costs more than the rest of a short command.
  const { constants, enableCompileCache: enable } = process.getBuiltinModule('node:module');
  const { existsSync } = process.getBuiltinModule('node:fs');
  const { homedir } = process.getBuiltinModule('node:os');
  const modules = new URL('../node_modules/', import.meta.url);
  const places = [
    ...(existsSync(modules) ? [new URL('.cache/sigil', modules).pathname] : []),
    `${process.env['XDG_CACHE_HOME'] ?? `${homedir()}/.cache`}/sigil`,
  ];
  for (const place of places) {
    if (enable(place).status !== constants.compileCacheStatus.FAILED) return;
  }
}

async function main(argv: readonly string[]): Promise<number> {
  if (argv.length === 1 && (argv[0] === 'version' || argv[0] === '--version' || argv[0] === '-V')) {
    const { versionInfo, versionText } = await import('./cli/version.ts');
    process.stdout.write(`${versionText(versionInfo())}\n`);
    return 0;
  }
  const [{ run }, { Redactor }] = await Promise.all([import('./cli/program.ts'), import('./secrets/redactor.ts')]);
  const redactor = new Redactor();
  let workers: WorkerHost | undefined;
  return await run(argv, {
    redactor,
    expectGateway: async () => {
      workers = (await import('./composition/early-threads.ts')).earlyThreads();
    },
    startGateway: async (options) => (await import('./gateway.ts')).startGateway(options, redactor, workers),
    skills: async () => (await import('./composition/skills/at-hand.ts')).skillsOfFiles,
    dataKeeping: async () => (await import('./composition/data-keeping.ts')).dataKeeping,
    knownProviders: async (config) => (await import('./composition/config-scopes.ts')).configuredProviders(config),
    knownTypes: async () => (await import('./composition/known-types.ts')).knownTypes,
  });
}

enableCompileCache();
// A gateway or a client that has ended may have left a timer or a socket behind; what was asked for is done.
process.exit(await main(process.argv.slice(2)));
