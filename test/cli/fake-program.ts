// SPDX-License-Identifier: Apache-2.0
// The command line as a process whose gateway is the fake one: what composition does in src/main.ts, for tests.

import { mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../../src/cli/program.ts';
import type { StartGateway } from '../../src/cli/running-gateway.ts';
import { failure, SigilError } from '../../src/errors.ts';
import { Redactor } from '../../src/secrets/redactor.ts';
import { FakeGateway } from './fake-gateway.ts';

const startGateway: StartGateway = async ({ dataDir, tcp }) => {
  mkdirSync(dataDir, { recursive: true });
  const lock = join(dataDir, 'lock');
  const socket = join(dataDir, 'gateway.sock');
  try {
    openSync(lock, 'wx');
  } catch {
    throw new SigilError(failure('conflict', 'Another gateway uses this data directory.'));
  }
  rmSync(socket, { force: true });
  const local = new FakeGateway({ name: process.env['FAKE_NAME'] ?? '' });
  await local.listen(socket);
  const open = new FakeGateway();
  const url = tcp ? await open.listen() : null;
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  return {
    url,
    socket,
    closed,
    reload: async (reason) => void process.stderr.write(`reloaded: ${reason}\n`),
    drain: async (reason) => {
      process.stderr.write(`drained: ${reason}\n`);
      await local.close();
      if (tcp) await open.close();
      rmSync(lock, { force: true });
      const wait = Number(process.env['FAKE_DRAIN_MS'] ?? 0);
      await new Promise((done) => setTimeout(done, wait));
      resolve();
    },
  };
};

process.exit(
  await run(process.argv.slice(2), {
    startGateway,
    expectGateway: async () => undefined,
    skills: async () => (await import('../../src/composition/skills/at-hand.ts')).skillsOfFiles,
    dataKeeping: async () => (await import('../../src/composition/data-keeping.ts')).dataKeeping,
    redactor: new Redactor(),
    knownProviders: async (config) =>
      (await import('../../src/composition/config-scopes.ts')).configuredProviders(config),
    knownTypes: async () => ({ providerTypes: ['openai'], channelTypes: ['telegram'], providerKeys: {} }),
  }),
);
