// SPDX-License-Identifier: Apache-2.0
// `sigil scanner rules`: every rule of the scanner.

import { RULES } from '../security/scanner/rules.ts';
import type { CommandRun } from './command.ts';
import { tableLines } from './table.ts';

export const run: CommandRun = async ({ output }) => {
  const items = RULES.map(({ id, kind, description, severity, stages }) => ({
    id,
    kind,
    description,
    severity,
    stages,
  }));
  if (output.json) {
    output.document({ items });
    return 0;
  }
  const head = ['RULE', 'KIND', 'SEVERITY', 'STAGES', 'WHAT'];
  const rows = items.map(({ id, kind, description, severity, stages }) => [
    id,
    kind,
    severity,
    stages.join(','),
    description,
  ]);
  const fitting = output.terminal ? { give: [4], width: output.width() } : {};
  const [first = '', ...rest] = tableLines([head, ...rows], fitting);
  output.write(`${[output.paint.dim(first), ...rest].join('\n')}\n`);
  return 0;
};
