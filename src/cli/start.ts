// SPDX-License-Identifier: Apache-2.0
// `sigil start`: the gateway in the foreground, until a signal drains it.

import { toFailure } from '../errors.ts';
import { CliError, EXIT } from './cli-error.ts';
import type { Call, CommandRun } from './command.ts';
import { quarantinedParts, runnableConfigOf } from './config-source.ts';
import { dataDirOf } from './connect.ts';
import type { RunningGateway, StartOptions } from './running-gateway.ts';

const IN_USE_ADVICE = 'Talk to it with `sigil chat`, stop it first, or give this one another --data-dir.';

type Signal = 'SIGINT' | 'SIGTERM';

/** `timeout` tells a process and, in the same breath, its group: that is one signal. */
const ONE_SIGNAL_MS = 2;

/** Settles at the first signal; a second one ends the process at once. */
function firstSignal(): Promise<Signal> {
  return new Promise((resolve) => {
    let first: number | undefined;
    const on = (signal: Signal) => {
      const now = performance.now();
      if (first !== undefined && now - first > ONE_SIGNAL_MS)
        process.exit(signal === 'SIGINT' ? EXIT.interrupted : EXIT.failed);
      first ??= now;
      resolve(signal);
    };
    process.on('SIGINT', () => on('SIGINT'));
    process.on('SIGTERM', () => on('SIGTERM'));
  });
}

/** Whether the terminal this process was started from is there. */
function hasTerminal(): boolean {
  const { closeSync, openSync } = process.getBuiltinModule('node:fs');
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

/**
 * Settles when the terminal is closed: its hang-up means to stop, as it does to every program in the foreground. Any other
 * asks for the configuration to be read again, as of a service.
 */
function hangUp(gateway: RunningGateway): Promise<'SIGHUP'> {
  const attached = hasTerminal();
  return new Promise((resolve) => {
    process.on('SIGHUP', () => {
      if (attached && !hasTerminal()) return resolve('SIGHUP');
      // Why it could not be read is in the log.
      gateway.reload('SIGHUP').catch(() => undefined);
    });
  });
}

function announce(call: Call, gateway: RunningGateway, dataDir: string): void {
  const { output } = call;
  if (output.json) {
    output.document({ url: gateway.url, socket: gateway.socket, pid: process.pid, data_dir: dataDir });
    return;
  }
  output.line(`Sigil listens on ${gateway.url ?? gateway.socket}`);
  if (output.terminal)
    output.line(output.paint.dim('Talk to it with `sigil chat`; `sigil status` shows how it is; Ctrl-C stops it.'));
}

async function started(
  call: Call,
  logLevel: string | undefined,
): Promise<{ gateway: RunningGateway; dataDir: string }> {
  const [listen, threads] = [call.value('listen'), call.value('threads')];
  const flags = {
    ...(listen === undefined ? {} : { networking: { listen } }),
    ...(threads === undefined ? {} : { gateway: { threads } }),
  };
  const flagNames = { 'networking.listen': '--listen', 'gateway.threads': '--threads' };
  const loaded = await runnableConfigOf(call, { values: flags, names: flagNames });
  const { config, declared, quarantined, source } = loaded;
  const { output } = call;
  const dataDir = dataDirOf(call);
  if (!output.json) {
    for (const { message, advice } of quarantined)
      output.note(`${output.notePaint.yellow('left out:')} ${message} ${advice}`);
  }
  const options: StartOptions = {
    config,
    declared,
    loading: { flags, flagNames },
    dataDir,
    configFile: source.file ?? null,
    quarantined: quarantinedParts(quarantined),
    tcp: true,
    logLevel: logLevel ?? (call.globals.verbose ? 'debug' : config.logging.level),
    levelFixed: logLevel !== undefined || call.globals.verbose,
  };
  try {
    return { gateway: await call.composition.startGateway(options), dataDir };
  } catch (thrown) {
    const { code, message, details } = toFailure(thrown);
    if (code !== 'conflict') throw thrown;
    const { advice = IN_USE_ADVICE } = (details ?? {}) as { readonly advice?: string };
    throw new CliError(code, message, advice, { cause: thrown });
  }
}

export const run: CommandRun = async (call) => {
  const withChat = call.flag('chatIfTty') && call.output.terminal && !call.output.json && process.stdin.isTTY === true;
  // The conversation takes Ctrl-C for itself, so its signals are its own.
  const signal = withChat ? undefined : firstSignal();
  const { gateway, dataDir } = await started(call, withChat ? 'silent' : undefined);
  announce(call, gateway, dataDir);
  if (signal === undefined) {
    const [{ converse }, { LocalLink }] = await Promise.all([import('./conversation.ts'), import('./chat-link.ts')]);
    return await converse(call, new LocalLink(call, { logLevel: 'silent' }, gateway));
  }
  // A gateway that ends without having been told to is a failure, and says why by rejecting.
  const ending = await Promise.race([signal, hangUp(gateway), gateway.closed.then(() => undefined)]);
  if (ending === undefined) return EXIT.failed;
  if (call.output.progress && !call.output.json)
    call.output.note('Stopping: running turns are finished first; the same signal again stops at once.');
  await gateway.drain(ending);
  return EXIT.done;
};
