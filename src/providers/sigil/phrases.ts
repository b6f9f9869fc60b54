// SPDX-License-Identifier: Apache-2.0
// What the offline model says of itself: greetings, help, and how to add a provider that really talks.

import { quote } from './words.ts';

/** The most it counts to. */
export const COUNT_LIMIT = 1000;

const ABILITIES = [
  '- sums: “what is 17*23?”, “12% of 80”',
  '- the time: “what time is it?”, “what time is it in Tokyo?”',
  '- remembering: “remember that my favourite tea is oolong”',
  '- searching what was said: “what do you know about tea?”, “search tea”',
  `- counting: “count to 10” (at most ${COUNT_LIMIT})`,
  '- explaining how to add a real model: “how do I add a provider?”',
].join('\n');

export const GREETING =
  'Hello! I am Sigil’s built-in offline model. I need no key and no network. Say “help” for what I can do.';

export const THANKS = 'You are welcome.';

export const GOODBYE = 'Goodbye!';

export const WELL = 'All rules are in working order, thank you.';

export const WHO =
  'I am Sigil’s built-in offline model: a small set of rules inside the gateway, not a language model. ' +
  'Say “help” for what I can do.';

export const HELP = `I am Sigil’s built-in offline model: rules, not a language model. I can do this:\n${ABILITIES}`;

/** A list of settings as the configuration file has them. */
export const ADD_PROVIDER = [
  'To talk to a real model, add a provider. In sigil.yaml:',
  '',
  '    providers:',
  '      anthropic:',
  '        api_key: "${ANTHROPIC_API_KEY}"',
  '    models:',
  '      default: "anthropic/claude-sonnet-4-5"',
  '',
  'and start Sigil with ANTHROPIC_API_KEY set in its environment. Without a file, the environment alone is enough:',
  '',
  '    SIGIL_PROVIDERS_ANTHROPIC_API_KEY=your-key',
  '',
  '“sigil provider list” shows which providers work.',
].join('\n');

export const SEARCH_WHAT = 'Search for what? Try “search tea”.';

export const REMEMBER_WHAT = 'Remember what? Try “remember that my favourite tea is oolong”.';

export function countRefused(to: string): string {
  return `I count from 1 to a whole number up to ${COUNT_LIMIT}, so not to ${quote(to)}.`;
}

export function placeUnknown(place: string): string {
  const example = '“what time is it in Europe/Berlin?”';
  return `I do not know the time zone of ${quote(place)}. Give me its IANA name, as in ${example}`;
}

/** The answer to everything no rule fits. */
export function notUnderstood(heard: string): string {
  const received = heard.trim() === '' ? 'Your message was empty' : `I heard ${quote(heard)} and have no rule for it`;
  return [
    `${received}: I am Sigil’s built-in offline model, a small set of rules without a key or a network. I can do this:`,
    ABILITIES,
    'For real conversations add a provider: set SIGIL_PROVIDERS_ANTHROPIC_API_KEY (or another vendor’s) and start Sigil',
    'again, or ask me “how do I add a provider?” for the lines of sigil.yaml.',
  ].join('\n');
}

/** The answer to what is too long to be one of the things it understands. */
export function tooLong(heard: string): string {
  return [
    `That message, ${quote(heard)}, has ${heard.length} characters. I am Sigil’s built-in offline model: rules for short`,
    'questions, so I did not read it. Say “help” for what I can do, or add a provider (“how do I add a provider?”) that can read it.',
  ].join(' ');
}

/** Said beside other answers, of the part no rule fits. */
export function partNotUnderstood(heard: string): string {
  return `I have no rule for ${quote(heard)}; say “help” for what I can do.`;
}

/** Said instead of calling a tool that is not offered. */
export function toolNotOffered(tool: string, about: string): string {
  const advice = 'Whoever runs this workspace can allow it.';
  return `For ${quote(about)} I would call the tool “${tool}”, but it is not offered to me here. ${advice}`;
}
