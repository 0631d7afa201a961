#!/usr/bin/env bash
# Appraises every case of a corpus of TPM evidence offline, with the controller's own verifier, and
# compares with what the corpus expects.
#
#   hack/run-corpus.sh DIR    a corpus: cases/, policy/, ca/ (docs/offline-appraisal.md)
#
# AVOUCH_KUBECTL names a kubectl-avouch to use; without it, one is built. Exit status: 0 every case
# agrees, 1 some differ, 2 the corpus cannot be used.
set -euo pipefail

# shellcheck source=hack/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"
# shellcheck source=hack/lib/deps.sh
source "$HACK_DIR/lib/deps.sh"
# shellcheck source=hack/lib/build.sh
source "$HACK_DIR/lib/build.sh"

[[ $# -eq 1 && -d $1 ]] || {
  echo "usage: hack/run-corpus.sh DIR" >&2
  exit 2
}
[[ -d $1/cases ]] || {
  echo "run-corpus: $1 has no cases/: expected a corpus as docs/offline-appraisal.md describes it" >&2
  exit 2
}

program=${AVOUCH_KUBECTL:-}
if [[ -n $program ]] && ! command -v "$program" >/dev/null; then
  echo "run-corpus: AVOUCH_KUBECTL: $program cannot be run: expected the path of a kubectl-avouch; without it, one is built" >&2
  exit 2
fi
if [[ -z $program ]]; then
  require_root
  install_build_deps
  build release "$STATE_ROOT/test-logs/run-corpus.log" kubectl-avouch ||
    die "the build failed" "$STATE_ROOT/test-logs/run-corpus.log"
  program=$(build_dir release)/bin/kubectl-avouch
fi
exec python3 "$HACK_DIR/lib/run_corpus.py" "$program" "$1"
