// SPDX-License-Identifier: Apache-2.0
// Reads pages of the public internet: fetched here, turned into text wherever there is a processor for it.

import { failure, SigilError } from '../errors.ts';
import type { WebPages } from './page.ts';
import type { PageSource, PageText } from './page-text.ts';
import { type PublicFetchOptions, publicFetch } from './public-fetch.ts';

export interface PublicPagesOptions extends PublicFetchOptions {
  /** See `pageText`; the body is the callee's from then on. */
  readonly text: (source: PageSource) => Promise<PageText | undefined>;
  /** Pages read at once; one more is refused. */
  readonly most: number;
}

export function publicPages(options: PublicPagesOptions): WebPages {
  let reading = 0;
  return {
    async read(asked, signal) {
      if (reading >= options.most)
        throw new SigilError(failure('overloaded', `${reading} pages are being read already; try again in a moment.`));
      reading += 1;
      try {
        const { url, status, content_type, body, cut } = await publicFetch(asked, signal, options);
        const text = await options.text({ body, content_type });
        if (text === undefined) throw new SigilError(failure('validation_failed', unreadable(url, content_type)));
        return { url, status, cut, ...text };
      } finally {
        reading -= 1;
      }
    },
  };
}

function unreadable(url: string, content_type: string): string {
  const type = content_type === '' ? 'no text' : content_type.slice(0, 100);
  return `${url.slice(0, 500)} is ${type}; only text, HTML, JSON and XML are read.`;
}
