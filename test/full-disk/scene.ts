// SPDX-License-Identifier: Apache-2.0
// Inside a small file system of its own: a gateway whose disk fills up while people write to it, and that goes on once it does not.

import { rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAIN } from '../built.ts';
import { ownerToken, startProcess } from '../crash/gateway-process.ts';

/** What came out, for the test to judge. */
export interface FullDisk {
  /** Messages answered before the disk was full, and after space was there again. */
  readonly before: number;
  readonly after: number;
  /** What those were told that came while it was full. */
  readonly refused: readonly { readonly status: number; readonly code: string; readonly detail: string }[];
  /** Acknowledged messages that are not in their session exactly once. */
  readonly lost: readonly string[];
  /** Refused messages that were sent again under their id and are not there exactly once. */
  readonly missing: readonly string[];
  /** The process that runs at the end is the one that was started. */
  readonly same_process: boolean;
  readonly doctor: number | null;
  readonly said: string;
}

const [mount = ''] = process.argv.slice(2);
const dataDir = join(mount, 'data');
const ballast = join(mount, 'ballast');
const gateway = await startProcess(dataDir, 0, { SIGIL_LOGGING_LEVEL: 'error' });
const headers = { authorization: `Bearer ${ownerToken(dataDir)}`, 'content-type': 'application/json' };

interface Answer {
  readonly status: number;
  readonly body: { readonly code?: string; readonly detail?: string };
}

/** What nobody waits for any longer: it may have arrived or not, and is asked again later. */
const UNKNOWN: Answer = { status: 0, body: {} };

const send = async (session_id: string, message_id: string, patience_ms = 30_000): Promise<Answer> => {
  const content = `note ${message_id} ${'x'.repeat(60_000)}`;
  const answer = await fetch(`${gateway.url}/api/v1/chat`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ session_id, message_id, content }),
    signal: AbortSignal.timeout(patience_ms),
  }).catch(() => undefined);
  if (answer === undefined) return UNKNOWN;
  return { status: answer.status, body: (await answer.json()) as Answer['body'] };
};

const free = (): number => {
  const { bavail, bsize } = statfsSync(mount);
  return bavail * bsize;
};

const sessions = new Map<string, string>();
const acknowledged = new Map<string, string>();
const refused: { readonly status: number; readonly code: string; readonly detail: string; readonly id: string }[] = [];
let count = 0;

/** Several at once, each in a session of its own that goes on. */
const talk = async (patience_ms?: number): Promise<readonly Answer[]> =>
  await Promise.all(
    ['a', 'b', 'c'].map(async (who) => {
      count += 1;
      const id = `${who}-${count}`;
      const session = sessions.get(who) ?? (await open(who));
      const answer = await send(session, id, patience_ms);
      if (answer.status === 200) acknowledged.set(id, session);
      else refused.push({ status: answer.status, code: answer.body.code ?? '', detail: answer.body.detail ?? '', id });
      return answer;
    }),
  );

const open = async (who: string): Promise<string> => {
  const answer = await fetch(`${gateway.url}/api/v1/chat`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ content: `hello from ${who}`, message_id: `open-${who}` }),
  });
  const { session_id } = (await answer.json()) as { session_id: string };
  sessions.set(who, session_id);
  return session_id;
};

for (let round = 0; round < 3; round++) await talk();
const before = acknowledged.size;
// Room for a few more messages, and then none: what fails is whatever writes next, again and again in other places.
writeFileSync(ballast, Buffer.alloc(Math.max(0, free() - 1_500_000)));
const full_until = Date.now() + 6_000;
while (Date.now() < full_until && (refused.length < 12 || free() > 100_000)) {
  await talk(1_000);
  await sleep(50);
}
rmSync(ballast);
// No restart: it goes on by itself.
let answered = 0;
for (let tries = 0; tries < 40 && answered < 6; tries++) {
  const answers = await talk();
  answered += answers.filter(({ status }) => status === 200).length;
  if (answers.some(({ status }) => status !== 200)) await sleep(250);
}
const again = refused.slice(0, 12);
for (const { id } of again) {
  const session = sessions.get(id.slice(0, 1)) ?? '';
  for (let tries = 0; tries < 20; tries++) {
    if ((await send(session, id)).status === 200) break;
    await sleep(250);
  }
}

const kept = new Map<string, number>();
for (const session of sessions.values()) {
  let cursor = '';
  do {
    const page = await fetch(`${gateway.url}/api/v1/sessions/${session}/messages?limit=200${cursor}`, { headers });
    const { items, next_cursor } = (await page.json()) as {
      items: { id: string; role: string }[];
      next_cursor: string | null;
    };
    for (const { id, role } of items) if (role === 'user') kept.set(id, (kept.get(id) ?? 0) + 1);
    cursor = next_cursor === null ? '' : `&cursor=${next_cursor}`;
  } while (cursor !== '');
}
const same_process = gateway.child.exitCode === null && gateway.child.signalCode === null;
await gateway.stop();
const { spawnSync } = await import('node:child_process');
const doctor = spawnSync(process.execPath, [MAIN, 'doctor', '--json', '--data-dir', dataDir]);
const failed = (
  JSON.parse(doctor.stdout.toString()) as { findings: { check: string; verdict: string }[] }
).findings.filter(
  // A file system as small as this one is too small for doctor.
  ({ check, verdict }) => verdict === 'fail' && check !== 'space',
);
const outcome: FullDisk = {
  before,
  after: answered,
  refused,
  lost: [...acknowledged.keys()].filter((id) => kept.get(id) !== 1),
  missing: again.map(({ id }) => id).filter((id) => kept.get(id) !== 1),
  same_process,
  doctor: failed.length,
  said: gateway.said().slice(-1_500),
};
process.stdout.write(JSON.stringify(outcome));
process.exit(0);
