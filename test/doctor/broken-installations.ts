// SPDX-License-Identifier: Apache-2.0
// Installations that are broken on purpose: what builds each, what doctor must say of it, and the command it must name.

import { chmodSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer as createHttp, type Server } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';

/** Where an installation is made. */
export interface Site {
  /** Exists, mode 0700, with a database that a gateway made. */
  readonly dataDir: string;
  /** The configuration, not there yet. */
  readonly configFile: string;
  /** Called when the test is over. */
  onEnd(undo: () => void): void;
}

export interface BrokenInstallation {
  readonly name: string;
  break(site: Site): void | Promise<void>;
  /** The check that finds it. */
  readonly check: string;
  readonly verdict: 'fail' | 'warn';
  readonly says: RegExp;
  readonly mend: RegExp;
  /** Running that command, with a shell, mends it. */
  readonly runs?: true;
  /** So does `--fix`. */
  readonly fixes?: true;
}

const listening = async (server: ReturnType<typeof createServer> | Server, site: Site): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  site.onEnd(() => server.close());
  return (server.address() as AddressInfo).port;
};

/** A vendor that takes no key. */
const refusing = (site: Site): Promise<number> =>
  listening(
    createHttp((_, answer) => {
      answer.writeHead(401, { 'Content-Type': 'application/json', Connection: 'close' });
      answer.end(
        '{"ok":false,"error":{"message":"wrong key","type":"invalid_request_error","code":"invalid_api_key"}}',
      );
    }),
    site,
  );

export const BROKEN_INSTALLATIONS: readonly BrokenInstallation[] = [
  {
    name: 'a token and a directory that others can read',
    break: ({ dataDir }) => {
      writeFileSync(join(dataDir, 'owner.token'), 'sigil_abc\n');
      chmodSync(join(dataDir, 'owner.token'), 0o644);
      chmodSync(dataDir, 0o755);
    },
    ...{ check: 'directory', verdict: 'fail', says: /owner\.token can be read by other users \(mode 0644\)/ },
    ...{ mend: /^chmod 600 .*owner\.token$/, fixes: true },
  },
  {
    name: 'a directory that is open to others',
    break: ({ dataDir }) => chmodSync(dataDir, 0o777),
    ...{ check: 'directory', verdict: 'warn', says: /is open to other users \(mode 0777\)/ },
    ...{ mend: /^chmod 700 /, runs: true, fixes: true },
  },
  {
    name: 'a data directory that is a file',
    break: ({ dataDir }) => {
      rmSync(dataDir, { recursive: true });
      writeFileSync(dataDir, 'x');
    },
    ...{ check: 'directory', verdict: 'fail', says: /is a file and no directory/, mend: /^mv .*\.old$/, runs: true },
  },
  {
    name: 'a token that is empty',
    break: ({ dataDir }) => writeFileSync(join(dataDir, 'owner.token'), '', { mode: 0o600 }),
    ...{ check: 'token', verdict: 'fail', says: /is empty; without it the next start makes another/ },
    ...{ mend: /^rm .*owner\.token$/, runs: true, fixes: true },
  },
  {
    name: 'a journal that was removed',
    break: ({ dataDir }) => {
      for (const end of ['', '-wal', '-shm']) rmSync(join(dataDir, `journal.db${end}`), { force: true });
    },
    ...{ check: 'databases', verdict: 'fail', says: /journal\.db is missing/, mend: /^sigil backup restore FILE$/ },
  },
  {
    name: 'a view full of something else',
    break: ({ dataDir }) => {
      for (const end of ['-wal', '-shm']) rmSync(join(dataDir, `gateway.db${end}`), { force: true });
      writeFileSync(join(dataDir, 'gateway.db'), Buffer.alloc(20_000, 0x41), { mode: 0o600 });
    },
    ...{
      check: 'databases',
      verdict: 'fail',
      says: /gateway\.db/,
      mend: /^sigil doctor rebuild gateway\.db$/,
      runs: true,
    },
  },
  {
    name: 'a configuration with a slip of the finger',
    break: ({ configFile }) => writeFileSync(configFile, 'networking:\n  lissen: "127.0.0.1:0"\n'),
    ...{ check: 'config', verdict: 'fail', says: /:2:3: networking\.lissen: .*did you mean listen\?/ },
    mend: /^sigil config validate$/,
  },
  {
    name: 'a key that is kept nowhere',
    break: ({ configFile }) =>
      writeFileSync(
        configFile,
        'secrets: { backend: file }\nproviders:\n  openai: { api_key: keyring://openai/api-key }\n',
      ),
    ...{
      check: 'config',
      verdict: 'warn',
      says: /keyring:\/\/openai\/api-key/,
      mend: /^sigil secret set openai\/api-key$/,
    },
  },
  {
    name: 'a key that the vendor does not take',
    break: async (site) => {
      const port = await refusing(site);
      const endpoint = `http://127.0.0.1:${port}/v1`;
      writeFileSync(
        site.configFile,
        `providers:\n  openai: { api_key: sk-wrong, endpoint: "${endpoint}", max_retries: 0 }\n`,
      );
    },
    ...{ check: 'providers', verdict: 'fail', says: /^openai: / },
    mend: /^sigil secret set openai\/api-key && sigil config set providers\.openai\.api_key keyring:\/\/openai\/api-key$/,
  },
  {
    name: 'a bot that the platform does not know',
    break: async (site) => {
      const port = await refusing(site);
      writeFileSync(
        site.configFile,
        `channels:\n  tg: { type: telegram, token: "1:a", api_url: "http://127.0.0.1:${port}" }\n`,
      );
    },
    ...{ check: 'channels', verdict: 'fail', says: /^tg: Telegram does not take its token \(401\)$/ },
    mend: /^sigil secret set tg\/token && sigil config set channels\.tg\.token keyring:\/\/tg\/token$/,
  },
  {
    name: 'an address that another program has',
    break: async (site) => {
      const port = await listening(createServer(), site);
      writeFileSync(site.configFile, `# mine\nnetworking:\n  listen: "127.0.0.1:${port}"\n`);
    },
    ...{ check: 'network', verdict: 'fail', says: /is in use by another program/ },
    ...{ mend: /^sigil config set networking\.listen 127\.0\.0\.1:0$/, runs: true },
  },
  {
    name: 'a sandbox without its program',
    break: ({ configFile, dataDir, onEnd }) => {
      writeFileSync(configFile, 'tools: { exec_sandboxed: { enabled: true } }\n');
      const before = process.env['PATH'];
      mkdirSync(join(dataDir, '..', 'nothing'), { recursive: true });
      process.env['PATH'] = join(dataDir, '..', 'nothing');
      onEnd(() => {
        process.env['PATH'] = before;
      });
    },
    ...{ check: 'tools', verdict: 'fail', says: /^bwrap is not there/, mend: /^sudo apt install bubblewrap$/ },
  },
  {
    name: 'files from the future',
    break: ({ dataDir }) => {
      const later = new Date(Date.now() + 86_400_000);
      utimesSync(join(dataDir, 'journal.db'), later, later);
    },
    ...{ check: 'clock', verdict: 'warn', says: /the clock went back/, mend: /^sudo timedatectl set-ntp true$/ },
  },
];
