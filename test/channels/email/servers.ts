// SPDX-License-Identifier: Apache-2.0
// Dovecot, which takes mail over LMTP and gives it over IMAP, and a sink that takes what the agent sends.

import { once } from 'node:events';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ParsedMail, simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { freePort, type ServerProcess, startServer, temporaryFolder } from '../server-process.ts';

export const DOMAIN = 'example.test';
export const AGENT = `sigil@${DOMAIN}`;
export const PASSWORD = 'a-mail-password-nobody-says';

export interface Dovecot {
  readonly process: ServerProcess;
  readonly imap: number;
  readonly lmtp: number;
}

export async function dovecot(): Promise<Dovecot> {
  const [folder, imap, lmtp] = [await temporaryFolder(), await freePort(), await freePort()];
  const mail = join(folder, 'mail');
  await mkdir(mail);
  // Its processes run as users of their own.
  await chmod(folder, 0o755);
  await chmod(mail, 0o777);
  const file = join(folder, 'dovecot.conf');
  await writeFile(
    file,
    `base_dir = ${join(folder, 'run')}
state_dir = ${join(folder, 'state')}
log_path = ${join(folder, 'log')}
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:${mail}/%u
mail_max_userip_connections = 100
postmaster_address = postmaster@${DOMAIN}
passdb {
  driver = static
  args = password=${PASSWORD}
}
userdb {
  driver = static
  args = uid=65534 gid=65534 home=${mail}/%u allow_all_users=yes
}
service imap-login {
  inet_listener imap {
    port = ${imap}
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  inet_listener lmtp {
    port = ${lmtp}
  }
}
service stats {
  chroot =
}
namespace inbox {
  inbox = yes
}
`,
  );
  const process = await startServer('dovecot', ['-F', '-c', file], { ports: [imap, lmtp], folder });
  return { process, imap, lmtp };
}

export interface Sink {
  readonly port: number;
  readonly mails: ParsedMail[];
  /** The next mail is answered with this code of SMTP. */
  refuseNext(code: number): void;
  close(): Promise<void>;
}

/** Takes mail to everybody but `nobody@`. */
export async function sink(): Promise<Sink> {
  const mails: ParsedMail[] = [];
  let refusal = 0;
  const refused = (code: number) => Object.assign(new Error('not just now'), { responseCode: code });
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, done) {
      if (username === AGENT && password === PASSWORD) done(null, { user: username });
      else done(Object.assign(new Error('wrong password'), { responseCode: 535 }));
    },
    onRcptTo({ address }, _session, done) {
      done(address.startsWith('nobody@') ? refused(550) : null);
    },
    onData(stream, _session, done) {
      simpleParser(stream).then((mail) => {
        const code = refusal;
        refusal = 0;
        if (code === 0) mails.push(mail);
        done(code === 0 ? null : refused(code));
      }, done);
    },
  });
  server.on('error', () => undefined);
  const listening = server.listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    mails,
    refuseNext: (code) => {
      refusal = code;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
