// SPDX-License-Identifier: Apache-2.0
// The tool `exec_sandboxed`: a command of a shell, run where it can reach neither the network nor anybody's files.

import type { SandboxOutcome } from '../../actors/sandbox/protocol.ts';
import { problem, type Tool, type ToolOutcome } from './tool.ts';

/** Who runs commands. @throws SigilError (the promise's) when there is no sandbox or it is full */
export type RunSandboxed = (
  asked: { readonly id: string; readonly command: string; readonly stdin: string; readonly within: number },
  signal: AbortSignal,
) => Promise<SandboxOutcome>;

const COMMAND_MOST = 65_536;
const STDIN_MOST = 262_144;
const SECONDS_MOST = 60;
const SECONDS_USUAL = 20;
/** What starting and ending a command may take beside its own time, in milliseconds. */
const AROUND = 5_000;

export function execSandboxed(run: RunSandboxed): Tool {
  return {
    name: 'exec_sandboxed',
    description: [
      'Runs a shell command on Linux in a sandbox and gives its exit status and output.',
      'It has no network and sees no files but the programs of the system; it writes in /work and /tmp, which begin empty',
      'and are gone when it ends. Give what it is to work on in "stdin" or in the command itself.',
    ].join(' '),
    inputSchema: {
      type: 'object',
      properties: {
        command: { type: 'string', minLength: 1, maxLength: COMMAND_MOST, description: 'For /bin/sh.' },
        stdin: { type: 'string', maxLength: STDIN_MOST, description: 'What it reads; nothing when absent.' },
        seconds: {
          type: 'integer',
          minimum: 1,
          maximum: SECONDS_MOST,
          description: `How long it may run; ${SECONDS_USUAL} when absent.`,
        },
      },
      required: ['command'],
      additionalProperties: false,
    },
    capabilities: ['exec.sandboxed'],
    timeoutMs: SECONDS_MOST * 1_000 + AROUND,
    // Nothing of it remains: run again, it changes nothing more.
    idempotent: true,
    serial: false,
    async execute(args, { turn_id, call_id, signal }) {
      const command = String(args['command']);
      if (command.includes('\0')) return problem('A command cannot hold the character NUL.');
      const stdin = typeof args['stdin'] === 'string' ? args['stdin'] : '';
      const seconds = typeof args['seconds'] === 'number' ? args['seconds'] : SECONDS_USUAL;
      return told(await run({ id: `${turn_id}:${call_id}`, command, stdin, within: seconds * 1_000 }, signal), seconds);
    },
  };
}

function told({ exit_status, signal, timed_out, stdout, stderr }: SandboxOutcome, seconds: number): ToolOutcome {
  const ended = timed_out
    ? `The command was stopped after ${seconds} s.`
    : exit_status === null
      ? `The command was ended by ${signal ?? 'a signal'}.`
      : `Exit status ${exit_status}.`;
  const parts = [
    ended,
    ...(stdout === '' ? [] : [`Output:\n${stdout}`]),
    ...(stderr === '' ? [] : [`Error output:\n${stderr}`]),
  ];
  return { content: parts.join('\n'), is_error: timed_out || exit_status === null };
}
