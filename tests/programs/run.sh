#!/usr/bin/env bash
# Tests the command lines of the programs that run in the cluster. Usage: run.sh PROGRAM...
set -euo pipefail

failed=0

# expect PROGRAM STATUS PATTERN WORD...: its exit status, and what it prints.
expect() {
  local program=$1 wanted=$2 pattern=$3 out status=0
  shift 3
  out=$(timeout 60 "$program" "$@" 2>&1) || status=$?
  if ((status != wanted)) || ! grep -qE -- "$pattern" <<<"$out"; then
    echo "FAILED: ${program##*/} $*: status $status, expected $wanted and \"$pattern\", got:"
    echo "$out"
    failed=1
  fi
}

for program in "$@"; do
  name=${program##*/}
  expect "$program" 0 "^$name [0-9.]+$" --version
  expect "$program" 0 "Usage: " --help
  expect "$program" 2 "nonsense" --nonsense
  expect "$program" 2 "no regular file" --config /dev/zero
done
((failed == 0)) && echo "the programs' command lines are as expected"
exit "$failed"
