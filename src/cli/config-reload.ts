// SPDX-License-Identifier: Apache-2.0
// `sigil config reload`: has a running gateway read its configuration again at once, and says what came of it.

import { CliError } from './cli-error.ts';
import type { GatewayClient } from './client.ts';
import type { Call, CommandRun } from './command.ts';
import { withGateway } from './connect.ts';
import { object, objects, strings, text } from './json-reading.ts';
import { oneLine } from './terminal-text.ts';

/** A gateway reads for 90 s at most, and waits as long as 15 s for its threads to follow. */
const WITHIN_MS = 120_000;

/** Every error has its place and key in its own words: here it is not said twice. */
function refused(thrown: unknown): unknown {
  if (!(thrown instanceof CliError) || thrown.code !== 'validation_failed') return thrown;
  const { fields } = thrown;
  const lines = objects(fields['errors']).map((error) => oneLine(text(error['message'])));
  const advice = 'Correct what is listed; the gateway reads the file again by itself as soon as it is written.';
  return new CliError('validation_failed', thrown.message, advice, { lines, fields, cause: thrown });
}

async function reload(client: GatewayClient): Promise<unknown> {
  try {
    return await client.post('/api/v1/config/reload', {}, { timeoutMs: WITHIN_MS });
  } catch (thrown) {
    throw refused(thrown);
  }
}

function tell({ output }: Call, answer: unknown): void {
  const { applied, restart_pending, quarantined } = object(answer);
  const keys = strings(applied).map(oneLine);
  const { green, yellow } = output.paint;
  const waiting = strings(restart_pending).map(oneLine);
  output.line(
    keys.length === 0
      ? `${green('ok')} what is written is in force already.`
      : `${green('ok')} ${keys.length === 1 ? 'a key is' : `${keys.length} keys are`} applied:`,
  );
  for (const key of keys) output.line(`  ${key}`);
  if (waiting.length > 0) output.line(yellow('waiting for a restart:'));
  for (const key of waiting) output.line(`  ${key}`);
  for (const part of objects(quarantined)) {
    const says = ['what', 'message', 'advice'].map((field) => oneLine(text(part[field])));
    output.note(`${output.notePaint.yellow('left out:')} ${says[0]}: ${says[1]} ${says[2]}`);
  }
}

export const run: CommandRun = async (call) => {
  const answer = await withGateway(call, reload);
  if (call.output.json) call.output.document(answer);
  else tell(call, answer);
  return 0;
};
