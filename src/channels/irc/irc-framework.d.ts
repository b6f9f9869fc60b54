// SPDX-License-Identifier: Apache-2.0
// As much of irc-framework as the adapter uses; the package has no types of its own.

declare module 'irc-framework' {
  /** A line of the server's: `prefix` is who it is from, `params` what follows the command. */
  export interface IrcLine {
    readonly command: string;
    readonly params: readonly string[];
    readonly nick: string;
    readonly ident: string;
    readonly hostname: string;
    readonly tags: Readonly<Record<string, string>>;
  }

  /** `privmsg` and `action`. */
  export interface IrcMessageEvent {
    readonly from_server: boolean;
    readonly nick: string;
    readonly ident: string;
    readonly hostname: string;
    readonly target: string;
    readonly message: string;
    readonly tags: Readonly<Record<string, string>>;
    /** Epoch milliseconds, where the server says. */
    readonly time?: number;
    readonly account?: string;
    readonly batch?: { readonly type: string };
  }

  export interface IrcConnection {
    readonly transport: { readonly socket: import('node:net').Socket | null } | null;
    end(line?: string | null, failed?: boolean): void;
    on(event: 'message', listener: (line: IrcLine) => void): void;
  }

  export class Client {
    readonly connection: IrcConnection;
    readonly user: { readonly nick: string };
    readonly network: { readonly options: Readonly<Record<string, unknown>>; readonly ircd: string };
    connect(options: Readonly<Record<string, unknown>>): void;
    /** Writes a line as it is. */
    raw(line: string): void;
    quit(message?: string): void;
    caseLower(name: string): string;
    caseCompare(one: string, other: string): boolean;
    on(event: 'privmsg' | 'action', listener: (event: IrcMessageEvent) => void): void;
    on(event: 'sasl failed', listener: (event: { readonly reason: string }) => void): void;
    on(event: 'registered', listener: () => void): void;
    on(event: 'socket close', listener: (error: Error | false | undefined) => void): void;
    removeAllListeners(): void;
  }

  const library: { readonly Client: typeof Client };
  // biome-ignore lint/style/noDefaultExport: it is how the package exports itself.
  export default library;
}
