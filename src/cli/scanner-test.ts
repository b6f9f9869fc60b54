// SPDX-License-Identifier: Apache-2.0
// `sigil scanner test [TEXT…]`: what the scanner would do with a text under this configuration, and which rules say so.

import type { Finding, Mode, Rule, Stage } from '../security/scanner/rule.ts';
import { RULES, scanEngine } from '../security/scanner/rules.ts';
import { judge, kindsOf } from '../security/scanner/verdict.ts';
import { wrongUsage } from './cli-error.ts';
import type { Call, CommandRun } from './command.ts';
import { configOf } from './config-source.ts';
import type { Output } from './output.ts';
import { pipedText } from './piped-text.ts';
import { tableLines } from './table.ts';
import { oneLine, visible } from './terminal-text.ts';

/** As much of a match as is shown. */
const SHOWN = 60;

async function givenText({ args }: Call): Promise<string> {
  if (args.length > 0 && !(args.length === 1 && args[0] === '-')) return args.join(' ');
  if (args.length === 0 && process.stdin.isTTY === true)
    throw wrongUsage('There is no text.', 'Write it behind the command, or pipe it in.');
  return (await pipedText()).replace(/\r?\n$/, '');
}

const ruleOf = (id: string): Rule | undefined => RULES.find((rule) => rule.id === id);

function noteOf({ hidden, quoted }: Finding): string {
  return [hidden === undefined ? '' : `hidden as ${hidden}`, quoted === true ? 'only quoted' : '']
    .filter(Boolean)
    .join(', ');
}

/** What becomes of it, in a sentence. */
const DONE: Readonly<Record<Stage, Readonly<Record<string, string>>>> = {
  input: {
    pass: 'The message is taken as it is.',
    flag: 'The message is taken, and its turn begins with a warning.',
    redact: 'The message is taken without what was found.',
    block: 'The message is refused (input_blocked); no model sees it.',
  },
  tool: {
    pass: 'The model gets the result as it is.',
    flag: 'The model gets the result with a note that it is data, and listeners a warning.',
    redact: 'The model gets the result without what was found.',
    block: 'The result is withheld; the model is told so.',
  },
  output: {
    pass: 'The reply is shown as it is.',
    flag: 'The reply is shown as it is, and listeners get a warning.',
    redact: 'The reply is shown without what was found.',
    block: 'The reply ends there (content_filter).',
  },
};

function findingLines(findings: readonly Finding[], text: string, { paint, width, terminal }: Output): string[] {
  const head = ['RULE', 'SEVERITY', 'AT', 'TEXT', 'NOTE'];
  const rows = findings.map((finding) => [
    finding.rule,
    finding.severity,
    `${finding.start}-${finding.end}`,
    oneLine(text.slice(finding.start, finding.end)).slice(0, SHOWN),
    noteOf(finding),
  ]);
  const [first = '', ...rest] = tableLines([head, ...rows], terminal ? { give: [3], width: width() } : {});
  return [paint.dim(first), ...rest];
}

export const run: CommandRun = async (call) => {
  const { output } = call;
  const { config } = await configOf(call);
  const stage = (call.value('stage') ?? 'input') as Stage;
  const mode: Mode = config.security.scanner[stage];
  const text = await givenText(call);
  const engine = scanEngine();
  const findings = mode === 'off' ? [] : engine.scan(text, stage, kindsOf(stage, mode));
  const verdict = judge(engine, text, stage, mode);
  const shown = verdict.kind === 'redact' ? verdict.text : null;
  if (output.json) {
    const rules = verdict.kind === 'pass' ? [] : verdict.rules;
    const described = findings.map((finding) => ({ ...finding, description: ruleOf(finding.rule)?.description ?? '' }));
    output.document({ stage, mode, verdict: verdict.kind, rules, findings: described, text: shown });
    return 0;
  }
  const { paint } = output;
  const colour = verdict.kind === 'pass' ? paint.green : verdict.kind === 'block' ? paint.red : paint.yellow;
  const off = mode === 'off' ? ` security.scanner.${stage} is off: nothing is looked for.` : '';
  output.line(`${colour(verdict.kind)} ${DONE[stage][verdict.kind] ?? ''}${off}`);
  if (findings.length > 0) output.write(`${findingLines(findings, text, output).join('\n')}\n`);
  if (shown !== null) output.write(`${visible(shown)}\n`);
  return 0;
};
