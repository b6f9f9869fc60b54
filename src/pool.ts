// SPDX-License-Identifier: Apache-2.0
// Where every worker of the pool begins: short jobs that take a processor's time or wait for a disk, each a function of its input.

import type { SkillJob, SkillOutcome } from './composition/skills/work.ts';
import { builtInModel } from './embeddings/built-in.ts';
import type { EmbedRequest } from './stores/embedder.ts';
import type { TextScan, TextVerdict } from './stores/text-scan.ts';
import type { PageSource, PageText } from './web/page-text.ts';

/** Embeds texts with a model that is computed here. */
export function embed({ model, texts }: EmbedRequest): Float32Array {
  const known = builtInModel(model);
  if (known === undefined) throw new Error(`${model} is not a built-in model`);
  return known.embed(texts);
}

/** What a web page says. What reads markup loads with the first page. */
export async function page(source: PageSource): Promise<PageText | undefined> {
  const { pageText } = await import('./web/page-text.ts');
  return pageText(source);
}

/** Reads skills, and puts them where they belong. What it needs is loaded by the first job of its kind. */
export async function skills(job: SkillJob): Promise<SkillOutcome> {
  return await (await import('./composition/skills/work.ts')).skillOutcome(job);
}

/** Goes through a long text with the rules of the scanner. */
export async function scan({ text, stage, mode }: TextScan): Promise<TextVerdict> {
  const [{ scanEngine }, { judge }] = await Promise.all([
    import('./security/scanner/rules.ts'),
    import('./security/scanner/verdict.ts'),
  ]);
  return judge(scanEngine(), text, stage, mode);
}
