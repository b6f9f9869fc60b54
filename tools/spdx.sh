#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every source says its licence first and then what it is about; prints those that do not and fails.

cd "${1:-$(dirname "$0")/..}" || exit 1

# One awk for all files keeps the lint quick. A script begins with `#!`, so there everything is a line later.
find . \( -name node_modules -o -name .git -o -name dist -o -name fixtures \) -prune -o -type f \
  \( -name '*.ts' -o -name '*.tsx' -o -name '*.mjs' -o -name '*.sh' -o -path './bin/*' -o -path './.ci/*' \) -exec awk '
  function wrong(what) { print FILENAME ": " what; bad = 1 }
  FNR == 1 { at = /^#!/ ? 2 : 1 }
  FNR == at && !/^(\/\/|#) SPDX-License-Identifier: Apache-2\.0$/ { wrong("no SPDX-License-Identifier on line " at) }
  FNR == at + 1 && !/^(\/\/|\/\*\*?|#) .*[[:alnum:]]/ { wrong("line " at + 1 " does not say what the file is about") }
  END { exit bad }
' {} + >&2
