// SPDX-License-Identifier: Apache-2.0
// The scanner of a lane's thread: short texts here and at once, long ones by the pool; when it fails nothing gets through unseen.

import type { MessageVerdict } from '../actors/session/effects.ts';
import type { ReplyScanOptions } from '../actors/session/reply-scan.ts';
import { address } from '../bus/address.ts';
import type { Config } from '../config/schema.ts';
import { type Failure, failure, SigilError, toFailure } from '../errors.ts';
import { ScanCircuit } from '../security/scanner/circuit.ts';
import { KnownTexts } from '../security/scanner/known-texts.ts';
import type { Mode, Stage } from '../security/scanner/rule.ts';
import type { StreamSecrets } from '../security/scanner/stream-redactor.ts';
import { streamRules } from '../security/scanner/stream-rules.ts';
import { type ResultVerdict, type ScannedResult, scannedResult } from '../security/scanner/told.ts';
import { judge, PASS, type Verdict } from '../security/scanner/verdict.ts';
import { STORE_IDS } from '../stores/protocol.ts';
import type { ThreadContext } from './context.ts';
import { scannerRules } from './scanner-rules.ts';

/** UTF-16 units that are gone through here; the pool's way there and back costs more than that. */
export const INLINE_MOST = 16_384;
/** How long the pool may take, its worker's start included, in milliseconds. */
const WITHIN = 15_000;
/** What the scanner is called where it is said that it fails. */
const SELF = 'security.scanner';
/** Why nothing is scanned while the circuit is open. */
const CLOSED = 'the scanner has failed repeatedly';
const PASSING: ReadonlySet<string> = new Set(['overloaded', 'draining']);

export interface Scanner {
  /** Goes through a message. */
  input(text: string, done: (verdict: MessageVerdict) => void): void;
  /** Goes through a tool's result, and marks, cuts or withholds it. */
  result(content: string, is_error: boolean, name: string, done: (result: ScannedResult) => void): void;
  /** What replies are scanned with. */
  readonly replies: ReplyScanOptions;
}

type Context = Pick<ThreadContext, 'bus' | 'world' | 'name' | 'log' | 'secrets'>;

/** For tests that need one that fails. */
export interface ScannerParts {
  readonly judge?: (text: string, stage: Stage, mode: Mode) => Verdict;
}

/** One tree for the thread, made with its first reply. */
let rules: StreamSecrets['rules'] | undefined;
const secretRules = (): StreamSecrets['rules'] => {
  rules ??= streamRules(scannerRules().RULES);
  return rules;
};

/** How the config has it. */
export type ScannerSettings = Config['security']['scanner'];

/** The scanner as it is set now. */
export function createScanner(context: Context & Pick<ThreadContext, 'house'>, parts: ScannerParts = {}): Scanner {
  return createScanners(context, parts)(context.house.config.security.scanner);
}

/** Scanners of one thread for one setting after another: what fails for one is known to fail for all. */
export function createScanners(context: Context, parts: ScannerParts = {}): (settings: ScannerSettings) => Scanner {
  const { bus, world, name, log, secrets } = context;
  const { redactor } = secrets;
  const from = address('thread', name);
  const judged = parts.judge ?? ((text, stage, mode) => judge(scannerRules().scanEngine(), text, stage, mode));
  const known = new KnownTexts(redactor);

  const circuitOf = (what: string, refuses: string): ScanCircuit =>
    new ScanCircuit({
      monotonic: () => world.monotonic(),
      changed: (open, why) => {
        const root = address('gateway', 'root');
        if (!open) {
          bus.send(root, 'gateway.released', { what }, { from });
          return;
        }
        const message = `The scanner of ${name} fails: ${why}. Until it works again ${refuses}.`;
        const advice =
          'It is tried again after 30 s; the log says what it failed of. Restart the gateway if it stays so.';
        bus.send(root, 'gateway.quarantine', { what, code: 'internal', message, advice }, { from });
      },
    });
  const here = circuitOf(SELF, 'no message is taken there and no reply is shown');
  // What is wrong with the pool's workers keeps long texts out and nothing else.
  const pool = circuitOf(`${SELF}.pool`, 'no long message is taken there');
  const failed = (circuit: ScanCircuit, stage: Stage, thrown: unknown): string => {
    const error = toFailure(thrown);
    log('error', { stage, error }, 'a text could not be scanned');
    // Too much at once is over in a moment, and is no fault of the scanner.
    if (!PASSING.has(error.code)) circuit.failed(error.message);
    return error.message;
  };

  /** `done` gets a verdict, or why there is none. */
  const scan = (text: string, stage: Stage, mode: Mode, done: (verdict: Verdict | string) => void): void => {
    const long = text.length > INLINE_MOST;
    const circuit = long ? pool : here;
    if (mode === 'off') done(PASS);
    else if (circuit.open) done(CLOSED);
    else if (long) {
      const to = address('store', STORE_IDS.embedder);
      bus.ask(to, 'pool.scan', { text, stage, mode }, { from, within: WITHIN }, (answer) => {
        if (answer.ok) circuit.passed();
        done(answer.ok ? answer.body : failed(circuit, stage, new SigilError(answer.error)));
      });
    } else done(scanHere(text, stage, mode));
  };
  const scanHere = (text: string, stage: Stage, mode: Mode): Verdict | string => {
    try {
      const verdict = judged(text, stage, mode);
      here.passed();
      return verdict;
    } catch (thrown) {
      return failed(here, stage, thrown);
    }
  };

  return ({ input, tool, output, limits }) => ({
    input: (text, done) =>
      scan(text, 'input', input, (verdict) =>
        done(typeof verdict === 'string' ? { kind: 'failed', error: unscanned(verdict) } : verdict),
      ),
    result: (content, is_error, of, done) => {
      const longest = Math.min(limits.max_tool_result_scan_size, limits.max_tool_content_scan_size);
      const part = content.slice(0, longest);
      scan(part, 'tool', tool, (verdict) => done(scannedResult(content, is_error, of, resultVerdict(verdict))));
      function resultVerdict(verdict: Verdict | string): ResultVerdict {
        // Repeated failures are not let through, single ones are, and marked.
        if (typeof verdict === 'string')
          return verdict === CLOSED ? { kind: 'block', rules: ['unscanned'] } : { kind: 'unscanned', why: verdict };
        if (part.length === content.length) return verdict;
        if (verdict.kind === 'redact') return { ...verdict, text: verdict.text + content.slice(part.length) };
        const why = `only its first ${part.length} characters were gone through`;
        return verdict.kind === 'pass' ? { kind: 'unscanned', why } : verdict;
      }
    },
    replies: {
      mode: output,
      secrets: () => ({ rules: output === 'off' ? NO_RULES : secretRules(), known }),
      hide: (text) => redactor.text(text),
      soon: (run) => {
        let aborted = false;
        world.soon(() => aborted || run());
        return () => {
          aborted = true;
        };
      },
      closed: () => (output !== 'off' && here.open ? unscannedReply() : null),
      scanned: (thrown) => void (thrown === null ? here.passed() : failed(here, 'output', thrown)),
    },
  });
}

const NO_RULES: StreamSecrets['rules'] = { next: new Map(), ends: [] };

function unscanned(why: string): Failure {
  return failure('overloaded', `The message could not be scanned and was not taken: ${why}. Try again in a moment.`);
}

function unscannedReply(): Failure {
  return failure('internal', 'No reply can be scanned at the moment, so no model is asked.');
}
