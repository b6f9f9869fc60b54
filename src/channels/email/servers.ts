// SPDX-License-Identifier: Apache-2.0
// How the two mail servers of a channel are connected to: the same for the adapter and for whoever only tries the password.

import type { EmailSettings } from './settings.ts';

interface Login {
  readonly user: string;
  readonly pass: string;
}

/** @param within how long a connection and a greeting may take, in milliseconds */
export function imapServer({ imap: { host, port, security } }: EmailSettings, auth: Login, within: number) {
  return {
    ...{ host, port, auth, secure: security === 'tls' },
    ...(security === 'tls' ? {} : { doSTARTTLS: security === 'starttls' }),
    ...({ logger: false, connectionTimeout: within, greetingTimeout: within } as const),
  };
}

/** @param within as above */
export function smtpServer({ smtp: { host, port, security } }: EmailSettings, auth: Login, within: number) {
  return {
    ...{ host, port, auth, secure: security === 'tls' },
    ...{ requireTLS: security === 'starttls', ignoreTLS: security === 'none' },
    ...{ connectionTimeout: within, greetingTimeout: within },
  };
}
