#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what a checkout lacks, once, however many first runs start together: all progress on stderr, nothing on stdout.
# With --dev it also makes sure of the tools the tests need, and of a node that can run them.

wait_limit=600 # seconds another process may take to install before we give up on it
no_owner_limit=10 # seconds a lock may have no owner: longer means its maker died between two lines

cd "$(dirname "$0")/.." || exit 1
lock=.setup.lock
stamp=node_modules/.sigil-lock
log=
child=
want_dev=
[ "${1:-}" = --dev ] && want_dev=1

say() { echo "sigil: $*" >&2; }

# Ready means: an install was finished (npm writes its own lock file last), and it was for this lock file. A checkout of
# another branch and back makes the lock file newer without changing it, so then the contents decide.
ready() {
  [ -f node_modules/.package-lock.json ] || return 1
  if [ -n "$want_dev" ]; then
    [ -x node_modules/.bin/vitest ] && [ -x node_modules/.bin/biome ] || return 1
  fi
  [ package-lock.json -nt node_modules/.package-lock.json ] || return 0
  cmp -s package-lock.json "$stamp" || return 1
  touch node_modules/.package-lock.json
}

release() {
  if [ -n "$child" ]; then
    kill "$child" 2>/dev/null
    wait "$child" 2>/dev/null
  fi
  rm -rf "$lock"
  [ -n "$log" ] && rm -f "$log"
}

# Takes over a lock whose owner is gone. The rename is the decision: of two that try, one has the directory, and who finds
# that it took a living owner's lock after all gives it back.
break_lock() {
  dead=$1
  mv "$lock" "$lock.$$" 2>/dev/null || return
  if [ "$(cat "$lock.$$/pid" 2>/dev/null)" = "$dead" ] || [ -e "$lock" ]; then
    rm -rf "$lock.$$"
  else
    mv "$lock.$$" "$lock"
  fi
}

acquire() {
  waited=0
  ownerless=0
  until mkdir "$lock" 2>/dev/null; do
    if [ ! -d "$lock" ]; then
      # Not there and not to be made: nobody else holds it, we just may not write here.
      mkdir "$lock" 2>/dev/null && break
      if [ ! -d "$lock" ] && [ ! -w . ]; then
        say "cannot set itself up: this directory is read-only. Make it writable, or run 'npm ci' here as its owner."
        exit 1
      fi
    fi
    pid=$(cat "$lock/pid" 2>/dev/null)
    if [ -n "$pid" ]; then
      ownerless=0
      if ! kill -0 "$pid" 2>/dev/null && ! [ -d "/proc/$pid" ]; then
        break_lock "$pid"
        continue
      fi
    else
      ownerless=$((ownerless + 1))
      if [ "$ownerless" -gt "$no_owner_limit" ]; then
        break_lock ''
        ownerless=0
        continue
      fi
    fi
    [ "$waited" -eq 0 ] && say "waiting for another first run to finish setting up…"
    waited=$((waited + 1))
    if [ "$waited" -gt "$wait_limit" ]; then
      say "another process (${pid:-unknown}) has been setting up for $wait_limit seconds. If it hangs, stop it, remove $(pwd)/$lock and run the command again."
      exit 1
    fi
    sleep 1
  done
  echo $$ >"$lock/pid"
  trap release EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

explain() {
  if grep -qE 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT|FETCH_ERROR' "$log"; then
    say "could not set itself up: the npm registry cannot be reached. Check the network (or npm's registry and proxy settings) and run the command again."
  elif grep -q 'ENOSPC' "$log"; then
    say "could not set itself up: the disk is full. Free about 600 MB and run the command again."
  elif grep -qE 'EACCES|EPERM|EROFS' "$log"; then
    say "could not set itself up: node_modules may not be written. Make $(pwd) writable and run the command again."
  else
    reason=$(sed -n 's/^npm error //p' "$log" | grep -vE '^(code|syscall|path|dest|errno) ' | head -n 1)
    say "could not set itself up: ${reason:-npm ci failed}. Run 'npm ci' in $(pwd) to see all of it."
  fi
}

install() {
  if ! command -v npm >/dev/null 2>&1; then
    say "npm is missing, and it is needed once to install what sigil is made of. Install Node.js from https://nodejs.org (npm comes with it) and run the command again."
    exit 1
  fi
  # npm ci begins by emptying the directory: behind a link that is somebody else's.
  if [ -L node_modules ]; then
    say "node_modules is a link to $(readlink node_modules), which holds something else than this version needs. Remove the link, or run 'npm ci' where it leads."
    exit 1
  fi
  say "setting up for the first run or a new version (npm ci, a minute at most)…"
  log=$(mktemp "${TMPDIR:-/tmp}/sigil-setup.XXXXXX") || exit 1
  # No install scripts: everything native is prebuilt, so nothing needs them, and what does not run cannot fail. The
  # level hides npm's remarks about a node that is only used to install. Short retries: a missing network is said soon.
  set -- --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=2 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000
  [ -n "$want_dev" ] && set -- "$@" --include=dev --include=optional
  npm ci "$@" </dev/null >"$log" 2>&1 &
  child=$!
  # The lock is npm's from here: should this shell be killed and npm go on, nobody may start a second one beside it.
  echo "$child" >"$lock/pid"
  wait "$child"
  status=$?
  child=
  if [ "$status" -ne 0 ]; then
    explain
    exit 1
  fi
  cp package-lock.json "$stamp"
  touch node_modules/.package-lock.json
  say "ready."
}

if ! ready; then
  acquire
  ready || install
  release
  trap - EXIT
fi

if [ -n "$want_dev" ]; then
  # What `npm run` will find as `node`: the pinned one where there is one, else the machine's own.
  version=$(PATH="$PWD/node_modules/.bin:$PATH" node --version 2>/dev/null)
  major=${version#v}
  if [ "${major%%.*}" -ge 24 ] 2>/dev/null; then exit 0; fi
  say "Node.js 24 or newer is missing (found: ${version:-none}) and there is no pinned one for this platform. Install it from https://nodejs.org and run the command again."
  exit 1
fi
