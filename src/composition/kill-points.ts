// SPDX-License-Identifier: Apache-2.0
// Named places at which the crash tests end the process: `SIGIL_KILL_AT=name[:n]` kills it the n-th time a thread passes one.

/** What is published has none: a variable in somebody's environment must not be able to end a gateway. */
const PUBLISHED = !import.meta.url.endsWith('.ts');

/** What a thread calls at its named places; without a setting it does nothing. */
export function killPoints(setting: string | undefined): (name: string) => void {
  if (PUBLISHED || setting === undefined || setting === '') return () => undefined;
  const [place, nth] = setting.split(':');
  let left = Number(nth ?? 1);
  return (name) => {
    if (name !== place) return;
    left -= 1;
    if (left > 0) return;
    process.kill(process.pid, 'SIGKILL');
    // The signal may take a moment; nothing may happen after the place.
    for (;;);
  };
}
