// SPDX-License-Identifier: Apache-2.0
// Where nobody is signed in, and where somebody is who may not look.

import { useSignal } from '@preact/signals';
import { type Access, reasonOf } from '../api.ts';
import { caller, signIn, signOut } from '../session.ts';

export function SignIn({ why }: { readonly why: string | null }) {
  const token = useSignal('');
  const failed = useSignal<string | null>(null);
  const busy = useSignal(false);
  const submit = async (): Promise<void> => {
    busy.value = true;
    failed.value = null;
    try {
      await signIn({ token: token.value.trim() });
      token.value = '';
    } catch (thrown) {
      failed.value = reasonOf(thrown);
    }
    busy.value = false;
  };
  return (
    <section class="door">
      <h1>Sign in</h1>
      <p>
        Run <code>sigil open</code> on the gateway's machine, or sign in with a token that has <code>admin:debug</code>.
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          required
          value={token.value}
          onInput={(event) => {
            token.value = event.currentTarget.value;
          }}
        />
        <p class="door-failed" role="alert">
          {failed.value ?? why ?? ''}
        </p>
        <button type="submit" disabled={busy.value}>
          Sign in
        </button>
      </form>
    </section>
  );
}

export function Forbidden({ access }: { readonly access: Extract<Access, { readonly state: 'forbidden' }> }) {
  const failed = useSignal<string | null>(null);
  return (
    <section class="door">
      <h1>Not for this user</h1>
      <p>
        The inspector needs the permission <code>admin:debug</code>. {access.why}
      </p>
      <p>
        An owner makes a token that has it with <code>sigil token create</code>.
      </p>
      <p class="door-failed" role="alert">
        {failed.value ?? ''}
      </p>
      {caller.value !== null && (
        <button
          type="button"
          onClick={() => {
            signOut().catch((thrown: unknown) => {
              failed.value = reasonOf(thrown);
            });
          }}
        >
          Sign in as somebody else
        </button>
      )}
    </section>
  );
}
