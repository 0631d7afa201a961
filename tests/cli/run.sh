#!/usr/bin/env bash
# Tests the program kubectl-avouch as a user meets it: exit status, messages, help, completion. Usage: run.sh PROGRAM
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROGRAM=$1
export PATH=$HERE:$PATH ANSWER=refuse
failed=0

# expect STATUS PATTERN WORD...: the program's exit status, and what it prints.
expect() {
  local wanted=$1 pattern=$2 out status=0
  shift 2
  out=$("$PROGRAM" "$@" 2>&1) || status=$?
  if ((status != wanted)) || ! grep -qE -- "$pattern" <<<"$out"; then
    echo "FAILED: kubectl avouch $*: status $status, expected $wanted and \"$pattern\", got:"
    echo "$out"
    failed=1
  fi
}
completes() {
  local wanted=$1
  shift
  if [[ $("$HERE/../../cli/kubectl_complete-avouch" "$@" | xargs) != "$wanted" ]]; then
    echo "FAILED: completion of [$*] is not $wanted"
    failed=1
  fi
}

NODES='{"kind":"List","metadata":{"resourceVersion":"1"},"items":[]}'

expect 2 "subcommand" # without any word
expect 2 "\"bogus\" is no command of it" bogus
expect 2 "output" status -o xml
expect 2 "name of a Kubernetes object" verify node Node_1
expect 2 "name of a Kubernetes object" status --release '../x'
expect 2 "limit" log --limit 101
expect 2 "excludes" log --node a --pod b
expect 2 "index" log show
expect 0 "Exit status:" --help
for words in "status" "explain node" "explain pod" "verify node" "verify pod" "verify log" "log" "log show" "log fsck" "export" "verify proof" "version" "appraise" "eventlog"; do
  # shellcheck disable=SC2086
  expect 0 "Usage" $words --help
done
expect 0 "re-appraise" verify node --help
expect 0 "re-appraise" verify pod --help
expect 0 "as YAML" explain node --help
expect 0 "^client: [0-9.]+$" version --client
expect 0 '"client"' version --client -o json

# A digest list into a controller.
lists=$(mktemp -d)
for number in {1..20000}; do printf '%064x  /usr/bin/%s\n' "$number" "$number"; done >"$lists/files.list"
upload=(reference upload --service-account avouch-system/provider)
digest=$(sha256sum <"$lists/files.list" | cut -d' ' -f1)
export ANSWER="500 {}" LISTS=$lists
expect 0 "sha256:$digest  20000 digests, sent" "${upload[@]}" "$lists/files.list"
cmp "$lists/files.list" "$lists/$digest" || failed=1
expect 0 "was there already" "${upload[@]}" "$lists/files.list"
expect 4 "403: not entitled" "${upload[@]}" --release other "$lists/files.list"
expect 4 "expected NAMESPACE/NAME" reference upload --service-account provider "$lists/files.list"
expect 4 "line 3" "${upload[@]}" "$HERE/run.sh"
expect 4 "no such file" "${upload[@]}" "$lists/none"
expect 2 "service-account" reference upload "$lists/files.list"
rm -rf "$lists"
unset LISTS
export ANSWER=refuse

# Appraisal of stored evidence, without a server.
CORPUS=$HERE/../vectors/corpus
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
python3 "$HERE/../../hack/lib/corpus_policy.py" "$CORPUS" "$CORPUS/policy/baseline.json" "$scratch/baseline"
cat "$CORPUS/ca/ca1-rootca.pem" "$CORPUS/ca/ca1-issuer.pem" >"$scratch/makers.pem"
appraise=(appraise --policy "$scratch/baseline/policy.json" --trust-bundle "$scratch/makers.pem")
expect 0 "01-good-baseline: affirming under policy baseline" "${appraise[@]}" "$CORPUS/cases/01-good-baseline"
expect 0 '"status": "affirming"' "${appraise[@]}" -o json "$CORPUS/cases/01-good-baseline/"
expect 4 "PcrMismatch \(contraindicated\)" "${appraise[@]}" "$CORPUS/cases/07a-own-db"
expect 4 "BootEventDigest" "${appraise[@]}" "$CORPUS/cases/11-ev-data-cmdline"
expect 4 "not valid before" "${appraise[@]}" --at 2001-01-01T00:00:00Z "$CORPUS/cases/01-good-baseline"
expect 2 "meta.json is missing" "${appraise[@]}" "$CORPUS"
expect 2 "there is no such file" appraise --policy /nonexistent "$CORPUS/cases/01-good-baseline"
expect 2 "what it refers to cannot be used" appraise --policy "$scratch/baseline/policy.json" "$CORPUS/cases/01-good-baseline"
expect 2 "no PEM block" "${appraise[@]::3}" --trust-bundle "$HERE/run.sh" "$CORPUS/cases/01-good-baseline"
expect 2 "at: " "${appraise[@]}" --at yesterday "$CORPUS/cases/01-good-baseline"
printf 'kind: AttestationPolicy\napiVersion: avouch.dev/v1alpha1\nmetadata: {name: p}\nspec: {}\n' >"$scratch/empty.yaml"
expect 2 "spec.endorsement: is required" appraise --policy "$scratch/empty.yaml" "$CORPUS/cases/01-good-baseline"
expect 0 "EV_EFI_VARIABLE_DRIVER_CONFIG .*SecureBoot" eventlog "$CORPUS/cases/01-good-baseline/eventlog.bin"
expect 0 "EV_SEPARATOR +data +value=00000000" eventlog --pcrs "$CORPUS/cases/01-good-baseline/meta.json" "$CORPUS/cases/01-good-baseline/eventlog.bin"
expect 4 "BootLogReplayMismatch: PCR 8" eventlog --pcrs "$CORPUS/cases/04-changed-cmdline/meta.json" "$CORPUS/cases/01-good-baseline/eventlog.bin"
expect 0 '"kind": "RuntimeLog"' eventlog -o json "$CORPUS/cases/06a-ima-good/ima.bin"
expect 0 "/usr/" eventlog --pcrs "$CORPUS/cases/06a-ima-good/meta.json" "$CORPUS/cases/06a-ima-good/ima.bin"
expect 4 "RuntimeLogNotReplayed" eventlog --pcrs "$CORPUS/cases/01-good-baseline/meta.json" "$CORPUS/cases/06a-ima-good/ima.bin"
expect 2 "BootLogMalformed" eventlog "$HERE/run.sh"
expect 2 "no PCR value" eventlog --pcrs /dev/null "$CORPUS/cases/01-good-baseline/eventlog.bin"
"$PROGRAM" eventlog -o yaml --pcrs "$CORPUS/cases/01-good-baseline/meta.json" "$CORPUS/cases/01-good-baseline/eventlog.bin" |
  python3 -c 'import sys, yaml; log = yaml.safe_load(sys.stdin); assert len(log["events"]) == 53 and log["problems"] == [], log' ||
  { echo "FAILED: the log as YAML is not the log" && failed=1; }
printf 'kind: Secret\napiVersion: v1\nmetadata: {name: p}\n' >"$scratch/baseline/references/secret.yaml"
expect 2 "expected ReferenceManifest or ConfigMap" "${appraise[@]}" --references "$scratch/baseline/references" "$CORPUS/cases/01-good-baseline"

expect 4 "no configuration has been provided" status
expect 4 "no configuration has been provided" explain pod web-0
ANSWER="200 $NODES" expect 0 "^0 nodes$" status
ANSWER="200 $NODES" expect 0 '"nodes": \[\]' status -o json --context other
ANSWER='503 {"kind":"Status","message":"etcd is away"}' expect 3 "etcd is away" status
ANSWER='500 dial tcp 127.0.0.1:8080: connect: connection refused' expect 3 "set KUBECONFIG" status
ANSWER='403 {"kind":"Status","reason":"Forbidden","message":"no"}' expect 4 "grant it to this user by RBAC" status
ANSWER='404 {"kind":"Status","reason":"NotFound"}' expect 4 'there is no node "n9"' explain node n9
ANSWER='404 {"kind":"Status","reason":"NotFound"}' expect 4 "is the release installed there" verify node n1
ANSWER='200 {"data":{"verifier-keys.pem":"junk","log.vkey":"x","log.origin":"o"}}' expect 4 "verifier keys" verify node n1
ANSWER="200 $NODES" expect 4 "belong together" verify node n1 --vkey /dev/null
ANSWER="200 $NODES" expect 4 "no such file" verify log --since /nonexistent
without_kubectl=$(PATH=/nonexistent "$PROGRAM" status 2>&1) && failed=1
[[ $without_kubectl == *"kubectl: not found on the PATH"* ]] || failed=1

# A whole log in a directory, without a server.
LOG=$HERE/../vectors/tlog/log
fsck=(log fsck --vkey "$LOG/log.vkey" --directory)
expect 0 "whole: everything read" "${fsck[@]}" "$LOG"
expect 0 '"whole": true' "${fsck[@]}" "$LOG" -o json
expect 4 "needs --vkey" log fsck --directory "$LOG"
expect 4 "is no log directory" "${fsck[@]}" "$scratch"
expect 4 "there is no such file" log fsck --directory "$LOG" --vkey "$scratch/none"
cp -r "$LOG" "$scratch/log"
printf 'x' | dd of="$scratch/log/public/tile/entries/001.p/44" bs=1 seek=263 conv=notrunc status=none
expect 1 "DAMAGED tile/entries/001.p/44: entry 299" "${fsck[@]}" "$scratch/log"
rm "$scratch/log/private/preimages/000"
expect 1 '"path": "preimages/000"' "${fsck[@]}" "$scratch/log" -o json
tr 1 2 <"$LOG/public/checkpoint" >"$scratch/log/public/checkpoint"
expect 1 "FAILS" "${fsck[@]}" "$scratch/log"

# A proof in a file, without a server.
PROOFS=$HERE/../vectors/tlog/proofs
proof=(verify proof --vkey "$LOG/log.vkey")
all=(--verifier-keys "$PROOFS/verifier.pem" --preimage "$PROOFS/0.preimage" --log-policy "$PROOFS/log-policy")
expect 0 "not checked" "${proof[@]}" "$PROOFS/0.tlog-proof"
expect 0 "cosigned the checkpoint: witness.example at 2027" "${proof[@]}" "${all[@]}" "$PROOFS/0-cosigned.tlog-proof"
expect 0 '"verified": true' "${proof[@]}" "${all[@]}" -o json "$PROOFS/0-cosigned.tlog-proof"
expect 1 "no quorum" "${proof[@]}" "${all[@]}" "$PROOFS/0.tlog-proof"
expect 1 "FAILS .*content is what" "${proof[@]}" --preimage "$PROOFS/verifier.pem" "$PROOFS/0.tlog-proof"
sed 's/^index 0/index 1/' "$PROOFS/0.tlog-proof" >"$scratch/moved"
expect 1 "FAILS" "${proof[@]}" "$scratch/moved"
sed /^extra/d "$PROOFS/0.tlog-proof" >"$scratch/bare"
expect 1 "no extra line" "${proof[@]}" "$scratch/bare"
expect 1 "is of log" "${proof[@]}" --origin other.example "$PROOFS/0.tlog-proof"
expect 4 "needs --vkey" verify proof "$PROOFS/0.tlog-proof"
expect 4 "line 1" "${proof[@]}" --log-policy "$PROOFS/verifier.pem" "$PROOFS/0.tlog-proof"
expect 4 "there is no such file" "${proof[@]}" "$scratch/none"
expect 2 "tlog-proof" export 1 --format pdf

completes "status :4" st
completes "show fsck :4" log ""
completes "upload :4" reference up
completes "from-evidence from-rootfs from-debs :4" reference from
completes "node pod log proof :4" verify ""
completes "worker-1 worker-2 :4" explain node w
completes ":4" verify node worker-1 ""

((failed)) || echo "the command line's tests have passed"
exit "$failed"
