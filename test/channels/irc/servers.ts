// SPDX-License-Identifier: Apache-2.0
// Two IRC servers as people run them, but for the limits on who is fast: ngircd with TLS, inspircd with what IRCv3 it has.

import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { certificate, freePort, type ServerProcess, startServer, temporaryFolder } from '../server-process.ts';

/** The server's password, which is the agent's key in these tests. */
export const PASSWORD = 'a-server-password-nobody-says';
export const CHANNEL = '#harbour';

export interface IrcServer {
  readonly process: ServerProcess;
  /** Where people connect. */
  readonly plain: number;
  /** Where the agent does. */
  readonly agent: number;
  readonly tls: boolean;
}

export async function ngircd(): Promise<IrcServer> {
  const [folder, plain, agent] = [await temporaryFolder(), await freePort(), await freePort()];
  const { cert, key } = certificate(folder);
  // It reads them as the user it changes to.
  await chmod(folder, 0o755);
  await chmod(key, 0o644);
  const root = process.getuid?.() === 0;
  const config = `[Global]
Name = irc.test.local
Info = test
Listen = 127.0.0.1
Ports = ${plain}
MotdPhrase = hello
Password = ${PASSWORD}
${root ? 'ServerUID = irc\nServerGID = irc' : ''}
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxNickLength = 30
MaxPenaltyTime = 0
[Options]
DNS = no
Ident = no
PAM = no
[SSL]
CertFile = ${cert}
KeyFile = ${key}
Ports = ${agent}
`;
  const file = join(folder, 'ngircd.conf');
  await writeFile(file, config, { mode: 0o644 });
  const process_ = await startServer('ngircd', ['-n', '-f', file], { ports: [plain, agent], folder });
  return { process: process_, plain, agent, tls: true };
}

export async function inspircd(): Promise<IrcServer> {
  const [folder, plain] = [await temporaryFolder(), await freePort()];
  const modules = ['cap', 'ircv3', 'ircv3_msgid', 'ircv3_servertime', 'ircv3_ctctags', 'ircv3_batch', 'botmode'];
  const config = `<server name="irc.test.local" description="test" network="TestNet">
<admin name="test" nick="test" email="test@localhost">
<bind address="127.0.0.1" port="${plain}" type="clients">
<connect allow="*" password="${PASSWORD}" timeout="30" threshold="1000000" commandrate="100000000" fakelag="no" pingfreq="120"
  hardsendq="67108864" softsendq="33554432" recvq="1048576" localmax="1000" globalmax="1000" resolvehostnames="no" useident="no">
<options defaultbind="ipv4">
<performance somaxconn="128" clonesonconnect="no">
<path moduledir="/usr/lib/inspircd/modules" datadir="${folder}" logdir="${folder}" runtimedir="${folder}">
${modules.map((name) => `<module name="${name}">`).join('\n')}
<log method="file" type="* -USERINPUT -USEROUTPUT" level="default" target="${join(folder, 'log')}">
`;
  const file = join(folder, 'inspircd.conf');
  await writeFile(file, config);
  const root = process.getuid?.() === 0 ? ['--runasroot'] : [];
  const args = ['--nofork', '--nopid', ...root, `--config=${file}`];
  return { process: await startServer('inspircd', args, { ports: [plain], folder }), plain, agent: plain, tls: false };
}
