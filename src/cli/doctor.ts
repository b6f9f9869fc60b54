// SPDX-License-Identifier: Apache-2.0
// `sigil doctor`: what is well, what is not, and for each the command that mends it. It only looks, unless told to mend what is safe to mend.

import { loadConfig } from '../config/load.ts';
import { toFailure } from '../errors.ts';
import { EXIT } from './cli-error.ts';
import { GatewayClient } from './client.ts';
import type { Call, CommandRun } from './command.ts';
import { lookUpIn } from './config-source.ts';
import { dataDirOf, routeTo, socketOf } from './connect.ts';
import { type Check, type CheckContext, type Finding, fail, pass, type Verdict } from './doctor-check.ts';
import type { Output } from './output.ts';
import { progressLine } from './progress-line.ts';
import { oneLine, pad } from './terminal-text.ts';

/** What a check finds; one that throws has found that it cannot be made. */
export async function* findingsOf(check: Check, context: CheckContext): AsyncGenerator<Finding> {
  try {
    yield* check.run(context);
  } catch (thrown) {
    yield fail(`this could not be checked: ${toFailure(thrown).message}`, null);
  }
}

/** How long a running gateway may take to answer, in milliseconds: it may be what is ill. */
const ASK_MS = 3_000;

async function askRunning(call: Call, path: string): Promise<unknown> {
  const client = new GatewayClient(routeTo(call, { kind: 'socket', path: socketOf(dataDirOf(call)) }));
  try {
    return await client.get(path, { timeoutMs: ASK_MS });
  } catch {
    // Most often none runs; what is asked for is told without it then.
    return undefined;
  }
}

/** What is left of a finding once it was mended. */
async function mended(finding: Finding, fix: NonNullable<Finding['fix']>): Promise<Finding> {
  try {
    return pass(`mended: ${await fix()}`);
  } catch (thrown) {
    const { verdict, message, mend } = finding;
    return { verdict, message: `${message} (it could not be mended: ${toFailure(thrown).message})`, mend };
  }
}

function line(check: string, { verdict, message, mend }: Finding, width: number, { paint }: Output): string {
  const colours: Readonly<Record<Verdict, (text: string) => string>> = {
    pass: paint.green,
    warn: paint.yellow,
    fail: paint.red,
  };
  const head = `${colours[verdict](verdict)}  ${pad(check, width, 'left')}  ${oneLine(message)}`;
  return mend === null ? head : `${head}\n      ${' '.repeat(width)}${paint.dim('→')} ${oneLine(mend)}`;
}

export const run: CommandRun = async (call) => {
  const { output, globals } = call;
  const progress = progressLine(output);
  const known = await call.composition.knownTypes();
  const { checks } = await call.composition.dataKeeping();
  const context: CheckContext = {
    dataDir: dataDirOf(call),
    config: await loadConfig({ known, configPath: globals.config, lookUp: lookUpIn(dataDirOf(call)) }),
    thorough: call.flag('thorough'),
    ask: (path) => askRunning(call, path),
    progress: (text) => progress.show(text),
  };
  const width = Math.max(...checks.map(({ name }) => name.length));
  const all: (Finding & { readonly check: string })[] = [];
  for (const check of checks) {
    for await (const finding of findingsOf(check, context)) {
      const { fix, ...told } = finding;
      const fixed = fix !== undefined && call.flag('fix') ? await mended(finding, fix) : told;
      all.push({ check: check.name, ...fixed });
      progress.end();
      if (!output.json) output.line(line(check.name, fixed, width, output));
    }
  }
  const count = (verdict: Verdict): number => all.filter((finding) => finding.verdict === verdict).length;
  const sums = { pass: count('pass'), warn: count('warn'), fail: count('fail') };
  if (output.json) output.document({ data_dir: context.dataDir, ...sums, findings: all });
  else output.line(`\n${sums.pass} passed, ${sums.warn} to look at, ${sums.fail} failed.`);
  return sums.fail > 0 ? EXIT.failed : EXIT.done;
};
