#!/usr/bin/env bash
# Appraises our own corpus, and the shared one where it lies beside the checkout. Usage: run.sh KUBECTL_AVOUCH
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO=$(dirname "$(dirname "$HERE")")
export AVOUCH_KUBECTL=$1
failed=0
python3 "$REPO/hack/lib/corpus_policy_test.py" || failed=1
for corpus in "$REPO/tests/vectors/corpus" "$REPO/../shared/corpus"; do
  if [[ ! -d $corpus ]]; then
    echo "note: ../shared/corpus is not there: this test ran on our own vectors alone"
    continue
  fi
  echo "$corpus"
  "$REPO/hack/run-corpus.sh" "$corpus" || failed=1
done

# What it would be worth to a user: a difference is found, and a folder that is no corpus is refused.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/cases"
cp -r "$REPO/tests/vectors/corpus/policy" "$REPO/tests/vectors/corpus/ca" "$scratch"
cp -r "$REPO/tests/vectors/corpus/cases/01-good-baseline" "$scratch/cases"
sed -i 's/"verdict": "accept"/"verdict": "reject"/' "$scratch/cases/01-good-baseline/meta.json"
status=0
"$REPO/hack/run-corpus.sh" "$scratch" || status=$?
((status == 1)) || { echo "FAILED: a difference gave status $status, expected 1" && failed=1; }
status=0
"$REPO/hack/run-corpus.sh" "$scratch/cases" || status=$?
((status == 2)) || { echo "FAILED: no corpus gave status $status, expected 2" && failed=1; }
for program in "$scratch/none" "$scratch/no-program"; do # one that is not there, and one that nothing can run
  printf '\0' >"$scratch/no-program" && chmod +x "$scratch/no-program"
  status=0
  said=$(AVOUCH_KUBECTL=$program "$REPO/hack/run-corpus.sh" "$REPO/tests/vectors/corpus" 2>&1) || status=$?
  if ((status != 2)) || [[ $said != "run-corpus: "*"cannot be run: "*"expected "* || $said == *$'\n'* ]]; then
    echo "FAILED: AVOUCH_KUBECTL=$program gave status $status, expected 2 and a sentence: $said" && failed=1
  fi
done
exit "$failed"
