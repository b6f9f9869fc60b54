// SPDX-License-Identifier: Apache-2.0
// The tool `calculator`: arithmetic by a parser, nothing is ever run as code.

import { calculate } from './arithmetic.ts';
import { answer, problem, type Tool } from './tool.ts';

export const calculator: Tool = {
  name: 'calculator',
  description: [
    'Calculates an arithmetic expression exactly as written and returns {"result"}. Use it for every calculation.',
    'Operators: + - * / % (remainder, with the sign of the dividend) ^ (power, from the right) and parentheses.',
    'Functions: sqrt abs round floor ceil min max log(x) (base 10) log(x, base) ln sin cos tan (radians).',
    'Constants: pi e.',
    'Results have at most 15 significant digits; "rounded": true says that there are more, or that digits were lost.',
  ].join(' '),
  inputSchema: {
    type: 'object',
    properties: { expression: { type: 'string', description: 'Such as "(3 + 4) / 2" or "sqrt(2) * 10^3".' } },
    required: ['expression'],
    additionalProperties: false,
  },
  capabilities: [],
  safe: true,
  timeoutMs: 5000,
  idempotent: true,
  serial: false,
  async execute(args) {
    const calculated = calculate(String(args['expression']));
    if (!calculated.ok) return problem(calculated.message);
    return answer(calculated.rounded ? { result: calculated.result, rounded: true } : { result: calculated.result });
  },
};
