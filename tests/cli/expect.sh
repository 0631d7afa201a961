# For the scripts beside it, which read it: what a command does and says.
# shellcheck shell=bash

failed=0 # looked at by them at their end

# expect_run STATUS PATTERN COMMAND WORD...: its exit status, and what it prints to either output.
expect_run() {
  local wanted=$1 pattern=$2 out status=0
  shift 2
  out=$("$@" 2>&1) || status=$?
  if ((status != wanted)) || ! grep -qE -- "$pattern" <<<"$out"; then
    echo "FAILED: ${1##*/} ${*:2}: status $status, expected $wanted and \"$pattern\", got:"
    head -c 4000 <<<"$out"
    # shellcheck disable=SC2034
    failed=1
  fi
}
