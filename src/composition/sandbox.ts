// SPDX-License-Identifier: Apache-2.0
// `sandbox/commands` on an I/O thread, and how a tool of another thread has a command run there.

import type { SigilProtocols } from '../actors/protocols.ts';
import { SANDBOX_ID, type SandboxCommand } from '../actors/sandbox/protocol.ts';
import type { RunSandboxed } from '../agent/tools/exec-sandboxed.ts';
import { address } from '../bus/address.ts';
import { createSandbox } from '../plugins/sandbox/commands.ts';
import type { Request } from '../stores/request.ts';
import { asking } from './asking.ts';
import { bindHandlers } from './bind.ts';
import type { ThreadContext } from './context.ts';

/** Commands that run at once, of the whole gateway. */
const RUNNING_MOST = 4;
/** What making the sandbox may take beside the command's own time, in milliseconds. */
const AROUND = 5_000;

const SANDBOX = address('sandbox', SANDBOX_ID);

/** Hosts it; what it gives back kills what runs. */
export function hostSandbox(context: ThreadContext): { close(): void } {
  const sandbox = createSandbox({ world: context.world, most: RUNNING_MOST });
  const handlers = {
    'sandbox.run': (request: Request<SandboxCommand, SigilProtocols['sandbox']['sandbox.run']['reply']>): void =>
      sandbox.run(request.body, (outcome) => ('code' in outcome ? request.fail(outcome) : request.reply(outcome))),
    'sandbox.stop': ({ body }: { readonly body: { readonly id: string } }): void => sandbox.stop(body.id),
  };
  context.bus.host('sandbox', bindHandlers(context, SANDBOX, handlers));
  return sandbox;
}

/** A tool's way to it: when the call is over before the command is, the command is killed. */
export function runSandboxed({ bus, name }: Pick<ThreadContext, 'bus' | 'name'>): RunSandboxed {
  const from = address('thread', name);
  return async (asked, signal) => {
    const stop = (): void => void bus.send(SANDBOX, 'sandbox.stop', { id: asked.id }, { from });
    signal.addEventListener('abort', stop, { once: true });
    try {
      const within = asked.within + AROUND;
      return await asking<SigilProtocols, 'sandbox', 'sandbox.run'>(bus, SANDBOX, 'sandbox.run', asked, {
        from,
        within,
      });
    } finally {
      signal.removeEventListener('abort', stop);
    }
  };
}
