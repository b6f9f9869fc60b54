// SPDX-License-Identifier: Apache-2.0
// Kills a gateway at every named place of receive, turn, tool and commit, then looks for anything lost, doubled or run again.
// `npm run test:crash -- --points` runs this instead of kills at random.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditJournal } from './audit.ts';
import { freePort, type GatewayProcess, ownerToken, startProcess } from './gateway-process.ts';

/** The places, in the order a turn with a tool passes them, and how often each is passed before the kill. */
const POINTS = [
  'receive.before_journal',
  'journal.before_commit',
  'journal.after_commit',
  'receive.journaled',
  'model.before',
  'model.after',
  'tool.before',
  'tool.after',
  'turn.before_finish',
  'turn.finished',
] as const;
const PASSES = [1, 2, 5] as const;

/** Messages sent around each kill. */
const MESSAGES = 6;

async function answered(gateway: GatewayProcess, token: string, message_id: string): Promise<string | null> {
  try {
    const response = await fetch(`${gateway.url}/api/v1/chat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ content: 'what is 6*7?', message_id }),
    });
    const body = (await response.json()) as { content?: string };
    return response.ok ? (body.content ?? '') : null;
  } catch {
    return null;
  }
}

async function killedAt(point: string, pass: number): Promise<readonly string[]> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sigil-point-'));
  const port = await freePort();
  let gateway = await startProcess(dataDir, port, { SIGIL_KILL_AT: `${point}:${pass}` });
  const token = ownerToken(dataDir);
  const ids = Array.from({ length: MESSAGES }, (_, at) => `message-${at}`);
  const first = await Promise.all(ids.map(async (id) => await answered(gateway, token, id)));
  const problems: string[] = [];
  if (first.every((content) => content !== null)) {
    // What many messages share, such as a commit, is passed less often than there are messages.
    await gateway.stop();
    if (pass === 1) problems.push(`${point} was never passed`);
  } else {
    await gateway.gone;
    gateway = await startProcess(dataDir, port);
    const again = await Promise.all(ids.map(async (id) => await answered(gateway, token, id)));
    again.forEach((content, at) => {
      if (content?.includes('42') !== true) problems.push(`${point}:${pass}: ${ids[at]} was answered ${content}`);
      if (first[at] !== null && first[at] !== content) problems.push(`${point}:${pass}: ${ids[at]} was answered twice`);
    });
    const code = await gateway.stop();
    if (code !== 0) problems.push(`${point}:${pass}: the drained gateway ended with ${code}`);
    problems.push(...auditJournal(dataDir).problems.map((problem) => `${point}:${pass}: ${problem}`));
  }
  rmSync(dataDir, { recursive: true });
  return problems;
}

/** Every place, killed the first, second and fifth time it is passed; what went wrong. */
export async function killAtEveryPoint(): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const point of POINTS) {
    for (const pass of PASSES) problems.push(...(await killedAt(point, pass)));
    console.log(
      `  ${point}: killed the ${PASSES.map((pass) => `${pass}.`).join(', ')} time, ${problems.length} problems so far`,
    );
  }
  return problems;
}
