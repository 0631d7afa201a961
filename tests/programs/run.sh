#!/usr/bin/env bash
# Tests the command lines of the programs that run in the cluster. Usage: run.sh PROGRAM...
set -euo pipefail
# shellcheck source=tests/cli/expect.sh
source "$(dirname "${BASH_SOURCE[0]}")/../cli/expect.sh"


# expect PROGRAM STATUS PATTERN WORD...: its exit status, and what it prints.
expect() { expect_run "$2" "$3" timeout 60 "$1" "${@:4}"; }

for program in "$@"; do
  name=${program##*/}
  expect "$program" 0 "^$name [0-9.]+$" --version
  expect "$program" 0 "Usage: " --help
  expect "$program" 2 "nonsense" --nonsense
  expect "$program" 2 "no regular file" --config /dev/zero
done
((failed == 0)) && echo "the programs' command lines are as expected"
exit "$failed"
