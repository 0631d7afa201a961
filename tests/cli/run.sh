#!/usr/bin/env bash
# Tests the program kubectl-avouch as a user meets it: exit status, messages, help, completion. Usage: run.sh PROGRAM
set -euo pipefail
# shellcheck source=tests/cli/expect.sh
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROGRAM=$1
export PATH=$HERE:$PATH ANSWER=refuse

# expect STATUS PATTERN WORD...: the program's exit status, and what it prints.
expect() { expect_run "$1" "$2" "$PROGRAM" "${@:3}"; }
completes() {
  local wanted=$1
  shift
  if [[ $("$HERE/../../cli/kubectl_complete-avouch" "$@" | xargs) != "$wanted" ]]; then
    echo "FAILED: completion of [$*] is not $wanted"
    failed=1
  fi
}

NODES='{"kind":"List","metadata":{"resourceVersion":"1"},"items":[]}'

expect 2 "^commands of kubectl avouch: status, explain, verify, log, export, " # without any word
expect 2 "^commands of kubectl avouch: status, " bogus
expect 2 "^commands of explain: node, pod$" explain
expect 2 "^commands of verify: node, pod, pods, log, proof, misbehaviour$" verify bogus
expect 2 "^commands of reference: .*upload$" reference
expect 2 "^kubectl avouch: \"bogus\" is no command$" bogus
expect 2 '^kubectl avouch: "explian" is no command; did you mean "explain"\?$' explian node x
# Words as kubectl takes them.
expect 2 '^"pods" is no command of explain; did you mean "pod"\?$' explain pods x
expect 2 '^"pod/x" is no command of explain; expected "explain pod NAME"$' explain pod/x
expect 2 '^"nodes/x" is no command of verify; expected "verify node NAME"$' verify nodes/x -o json
expect 2 '^"pods/x" is no command of verify; expected "verify pod NAME"$' verify pods/x
expect 2 '^not expected: "web-0"$' verify pods web-0
expect 2 "excludes" verify pods -A -n shop
expect 2 "expected a time such as 2026" verify pods --enforced-since yesterday
expect 2 '^"bogus" is no command of verify$' verify bogus
expect 2 "^A subcommand is required$" explain
ANSWER="500 {}" expect 4 "the first time give --save alone" verify log --since "$0.none" --save "$0.none"
expect 2 "output" status -o xml
expect 2 "name of a Kubernetes object" verify node Node_1
expect 2 "name of a Kubernetes object" status --release '../x'
expect 2 "limit" log --limit 101
expect 2 "excludes" log --node a --pod b
expect 2 '^not expected: "b" "--more" "c d"$' explain node a b --more "c d"
expect 2 '^not expected: "--more"$' --more status
expect 2 '^not expected: "15"; an entry is shown by "log show 15"$' log 15
expect 2 '^not expected: "shw" "15"; "shw" is no command of log; did you mean "show"\?$' log shw 15
expect 2 "namespace requires --pod" log -n shop
expect 2 "index" log show
expect 2 'index: "-1" is no index of an entry: expected a number, 0 or greater' log show -1
expect 2 '"-12" is no index' export -12 -f "$0.none"
expect 2 '"one" is no index' log show one
expect 2 '"010" is no index' log show 010
expect 2 "is no index" log show 99999999999999999999
expect 2 "limit" log --limit -1
expect 2 'before: "-1" is no index' log --before -1
expect 2 'before: "all" is no index' log --before all
expect 0 "Exit status:" --help
for words in "status" "explain node" "explain pod" "verify node" "verify pod" "verify pods" "verify log" "log" "log show" "log fsck" "log copy" "log register" "log endorse" "log dispute" "log measure" "log supersede" "log erase" "export" "verify proof" "verify misbehaviour" "version" "appraise" "eventlog"; do
  # shellcheck disable=SC2086
  expect 0 "Usage" $words --help
done
# One or two examples, each of that very command and such as it takes.
own_examples() {
  local examples example rest said program folder
  program=$(realpath "$PROGRAM") folder=$(mktemp -d)
  examples=$("$PROGRAM" "$@" --help | sed -n '/^Examples:$/,/^$/{/^  /p}')
  if (($(wc -l <<<"$examples") > 2)) || [[ -z $examples ]] || grep -vqE "^  kubectl avouch $*( |$)" <<<"$examples"; then
    echo "FAILED: the examples of $*: $examples"
    failed=1
  fi
  while read -r example; do
    eval "rest=(${example#kubectl avouch})"
    said=$(cd "$folder" && "$program" "${rest[@]}" 2>&1 </dev/null) || true
    if [[ $said == *"Run with --help"* ]]; then
      echo "FAILED: $example: $said"
      failed=1
    fi
  done <<<"$examples"
  rm -rf "$folder"
}
for words in status explain "explain node" "explain pod" verify "verify node" "verify pod" "verify log" "verify proof" "verify misbehaviour" log "log show" "log fsck" "log copy" "log register" "log endorse" "log dispute" "log measure" "log supersede" "log erase" export appraise eventlog reference "reference from-evidence" "reference from-rootfs" "reference from-debs" "reference import" "reference sign" "reference verify" "reference diff" "reference upload" version; do
  # shellcheck disable=SC2086
  own_examples $words
done
expect 0 "^Exit status:$" verify node --help
expect 0 "does not hold \(with --trusted also" verify pod --help
expect 0 "does not hold$" explain node --help
expect 0 "re-appraise" verify node --help
expect 0 "^>>> marks .* Read the PCRs first" eventlog --help
speaker=(--service-account audit/auditor)
expect 2 "service-account" log endorse 3
expect 2 "text" log dispute "${speaker[@]}" 3
expect 2 "value" log measure "${speaker[@]}" 3
expect 2 "index" log supersede "${speaker[@]}"
expect 2 "reason" log erase "${speaker[@]}" 3
expect 2 "index" log erase "${speaker[@]}" --reason x
expect 2 "At Most 1 required" log erase "${speaker[@]}" --reason x 3 4
expect 2 "expected NAME=ALGORITHM:HEX" log measure "${speaker[@]}" --value "pcr 8" 3
expect 2 "expected TYPE:FILE" log endorse "${speaker[@]}" --material report.pdf 3
expect 2 '"three" is no index' log endorse "${speaker[@]}" three
expect 2 "refs" log show 3 --depth 2
expect 2 "depth" log show 3 --refs --depth 17
expect 0 "re-appraise" verify pod --help
expect 0 "before the policy +on its node since" verify pods --help
expect 0 "as YAML" explain node --help
expect 0 "BOOT +the TPM's counters" status --help
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
expect 2 "expected NAMESPACE/NAME" reference upload --service-account provider "$lists/files.list"
expect 4 "line 3" "${upload[@]}" "$HERE/run.sh"
expect 4 "no such file" "${upload[@]}" "$lists/none"
expect 2 "service-account" reference upload "$lists/files.list"
expect 0 "^Exit status: 0 sent, or there already; .* 4 the list cannot be used" reference upload --help
unset LISTS
ANSWER='403 {"kind":"Status","reason":"Forbidden","message":"no"}' expect 4 "right to create serviceaccounts/token of avouch-system/provider" "${upload[@]}" "$lists/files.list"
rm -rf "$lists"
# Of a node of the cluster, the statuses of commands that ask it.
golden=(reference from-evidence --name golden --node worker-1)
ANSWER='503 {"kind":"Status","message":"busy"}' expect 3 "busy" "${golden[@]}"
ANSWER='403 {"kind":"Status","reason":"Forbidden","message":"no"}' expect 4 "grants it" "${golden[@]}"
ANSWER='500 {}' expect 4 "not the name of a Kubernetes object" reference from-evidence --name Golden --node worker-1
expect 2 "not expected" "${golden[@]}" --more
expect 0 "With --node: 2 .* 3 .* 4 " reference from-evidence --help
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
# A warning: violations that the policy puts up with.
python3 "$HERE/../../hack/lib/corpus_policy.py" "$CORPUS" "$CORPUS/policy/ima.json" "$scratch/ima"
violation=("${appraise[0]}" --trust-bundle "$scratch/makers.pem" --references "$scratch/ima/references" "$CORPUS/cases/06c-ima-violation")
expect 4 "RuntimeViolation \(contraindicated\)" "${violation[@]}" --policy "$scratch/ima/policy.json"
python3 - "$scratch/ima/policy.json" >"$scratch/recording.json" <<'EOF'
import json, sys
policy = json.load(open(sys.argv[1]))
policy["spec"]["runtime"].update({"violations": "Record", "exclude": [r"/usr/share/late/l1\.txt"]})
json.dump(policy, sys.stdout)
EOF
expect 3 "06c-ima-violation: warning under policy ima" "${violation[@]}" --policy "$scratch/recording.json"
expect 3 "RuntimeViolation \(warning\): .*: 2 or more entries record" "${violation[@]}" --policy "$scratch/recording.json"
expect 3 '"status": "warning"' "${violation[@]}" --policy "$scratch/recording.json" -o json
expect 4 "not valid before .*Compare the clock .*--at" "${appraise[@]}" --at 2001-01-01T00:00:00Z "$CORPUS/cases/01-good-baseline"
expect 2 "corpus: meta.json is missing in this folder; expected the folder of one case" "${appraise[@]}" "$CORPUS"
expect 2 "/nonexistent: there is no such folder; expected the folder of one case, with meta.json" "${appraise[@]}" /nonexistent
expect 2 "quote.msg: is no folder; expected the folder of one case" "${appraise[@]}" "$CORPUS/cases/01-good-baseline/quote.msg"
printf 'kind: Secret\napiVersion: v1\nmetadata: {name: p}\n' >"$scratch/secret.yaml"
expect 2 'holds no AttestationPolicy, but an object of kind "Secret"$' appraise --policy "$scratch/secret.yaml" "$CORPUS/cases/01-good-baseline"
expect 2 "there is no such file" appraise --policy /nonexistent "$CORPUS/cases/01-good-baseline"
expect 2 "what it refers to cannot be used" appraise --policy "$scratch/baseline/policy.json" "$CORPUS/cases/01-good-baseline"
expect 2 "trust bundle \"[^\"]*run.sh\": .*no PEM block" "${appraise[@]::3}" --trust-bundle "$HERE/run.sh" "$CORPUS/cases/01-good-baseline"
# What fails within is no verdict: not 3, which is "warning".
truncate -s 900M "$scratch/huge.bin"
narrow=(bash -c 'ulimit -v 500000 && exec "$@"' _ "$PROGRAM")
if "${narrow[@]}" version --client >/dev/null 2>&1; then # the address sanitizer wants more room than there is
  expect_run 2 "not enough memory" "${narrow[@]}" eventlog "$scratch/huge.bin"
fi
expect 2 "at: " "${appraise[@]}" --at yesterday "$CORPUS/cases/01-good-baseline"
printf 'kind: AttestationPolicy\napiVersion: avouch.dev/v1alpha1\nmetadata: {name: p}\nspec: {}\n' >"$scratch/empty.yaml"
expect 2 "spec.endorsement: is required" appraise --policy "$scratch/empty.yaml" "$CORPUS/cases/01-good-baseline"
expect 0 "EV_EFI_VARIABLE_DRIVER_CONFIG .*SecureBoot" eventlog "$CORPUS/cases/01-good-baseline/eventlog.bin"
expect 0 "EV_SEPARATOR +data +value=00000000" eventlog --pcrs "$CORPUS/cases/01-good-baseline/meta.json" "$CORPUS/cases/01-good-baseline/eventlog.bin"
expect 0 "^PCRs compared \(sha256: 0-9, .*\): all are as the log gives them$" eventlog --pcrs "$CORPUS/cases/01-good-baseline/meta.json" "$CORPUS/cases/01-good-baseline/eventlog.bin"
expect 4 "^PCRs compared \(.*\): they are not all as the log gives them$" eventlog --pcrs "$CORPUS/cases/04-changed-cmdline/meta.json" "$CORPUS/cases/01-good-baseline/eventlog.bin"
# The PCRs of one bank, as the log gives them.
pcrs_of() {
  "$PROGRAM" eventlog -o json "$CORPUS/cases/01-good-baseline/eventlog.bin" | python3 -c 'import json, re, sys
for each in json.load(sys.stdin)["replayed"]:
    pcr, bank = re.fullmatch(r"PCR (\d+) \((\w+)\)", each["name"]).groups()
    if bank == sys.argv[1]: print(bank, pcr, each["value"])' "$1"
}
pcrs_of sha1 >"$scratch/sha1.pcrs"
expect 0 "compared in SHA-1 alone, which proves nothing: .*give the values of another bank" eventlog --pcrs "$scratch/sha1.pcrs" "$CORPUS/cases/01-good-baseline/eventlog.bin"
pcrs_of sha256 | grep " 7 " >"$scratch/one.pcrs"
expect 0 "^PCR 0-6, .*: not compared, as no value was given" eventlog --pcrs "$scratch/one.pcrs" "$CORPUS/cases/01-good-baseline/eventlog.bin"
for log in eventlog.bin ima.bin; do # there is no quote
  if "$PROGRAM" eventlog --pcrs "$CORPUS/cases/07a-own-db/meta.json" "$CORPUS/cases/06a-ima-good/$log" | grep -E "NotReplayed|Mismatch" | grep -q quote; then
    echo "FAILED: eventlog speaks of a quote" && failed=1
  fi
done
expect 4 "BootLogReplayMismatch: PCR 8" eventlog --pcrs "$CORPUS/cases/04-changed-cmdline/meta.json" "$CORPUS/cases/01-good-baseline/eventlog.bin"
expect 0 '"kind": "RuntimeLog"' eventlog -o json "$CORPUS/cases/06a-ima-good/ima.bin"
expect 0 "/usr/" eventlog --pcrs "$CORPUS/cases/06a-ima-good/meta.json" "$CORPUS/cases/06a-ima-good/ima.bin"
expect 0 "^PCR compared \(sha256: 10\): all [0-9]+ entries are proven$" eventlog --pcrs "$CORPUS/cases/06a-ima-good/meta.json" "$CORPUS/cases/06a-ima-good/ima.bin"
cat "$CORPUS/cases/06a-ima-good/ima.bin" "$CORPUS/cases/06a-ima-good/ima.bin" >"$scratch/longer.bin"
expect 0 "^PCR compared \(sha256: 10\): the first [0-9]+ entries are proven$" eventlog --pcrs "$CORPUS/cases/06a-ima-good/meta.json" "$scratch/longer.bin"
expect 0 "^the [0-9]+ entries after them: newer than the value of PCR 10" eventlog --pcrs "$CORPUS/cases/06a-ima-good/meta.json" "$scratch/longer.bin"
expect 4 "SelectionInsufficient: .*expected PCR 10" eventlog --pcrs "$scratch/one.pcrs" "$scratch/longer.bin"
if "$PROGRAM" eventlog -o json --pcrs "$CORPUS/cases/06a-ima-good/meta.json" "$scratch/longer.bin" | grep -q diverges; then
  echo "FAILED: a log that goes on beyond the PCRs is said to diverge" && failed=1
fi
if "$PROGRAM" eventlog "$CORPUS/cases/01-good-baseline/eventlog.bin" | grep -q '\.\.\.$'; then
  echo "FAILED: texts are cut in a pipe" && failed=1
fi
echo "sha256 10 $(printf '0%.0s' {1..64})" >"$scratch/zero.pcrs"
expect 4 "RuntimeLogNotReplayed: PCR 10 is that of a log without entries" eventlog --pcrs "$scratch/zero.pcrs" "$CORPUS/cases/06a-ima-good/ima.bin"
expect 4 "RuntimeLogNotReplayed" eventlog --pcrs "$CORPUS/cases/01-good-baseline/meta.json" "$CORPUS/cases/06a-ima-good/ima.bin"
expect 2 "BootLogMalformed.*this is a text: expected a copy of binary" eventlog "$HERE/run.sh"
expect 2 "the file is empty" eventlog <(:)
expect 2 "/dev/zero: is a device; expected a file" eventlog /dev/zero
: >"$scratch/empty.pcrs"
expect 2 "no PCR value" eventlog --pcrs "$scratch/empty.pcrs" "$CORPUS/cases/01-good-baseline/eventlog.bin"
"$PROGRAM" eventlog -o yaml --pcrs "$CORPUS/cases/01-good-baseline/meta.json" "$CORPUS/cases/01-good-baseline/eventlog.bin" |
  python3 -c 'import sys, yaml; log = yaml.safe_load(sys.stdin); assert len(log["events"]) == 53 and log["problems"] == [], log' ||
  { echo "FAILED: the log as YAML is not the log" && failed=1; }
printf 'kind: Secret\napiVersion: v1\nmetadata: {name: p}\n' >"$scratch/baseline/references/secret.yaml"
expect 2 "expected ReferenceManifest or ConfigMap" "${appraise[@]}" --references "$scratch/baseline/references" "$CORPUS/cases/01-good-baseline"

expect 4 "^kubectl avouch: kubectl cannot reach a cluster: .*no configuration has been provided" status
expect 4 "no configuration has been provided" explain pod web-0
# What the release has to have beside nodes: who asks, who answers, who judges.
SOON=$(date -u -d '+9 minutes' +%Y-%m-%dT%H:%M:%SZ) # of a controller whose clock is ahead
RELEASE='/validatingwebhookconfigurations/avouch 200 {}
/endpoints/avouch-webhook 200 {"subsets":[{"addresses":[{"ip":"10.0.0.1"}]}]}
/deployments/avouch-webhook 200 {"spec":{"replicas":1},"status":{"readyReplicas":1}}
/statefulsets/avouch-controller 200 {"spec":{"replicas":1},"status":{"readyReplicas":1}}
/leases/avouch-controller 200 {"spec":{"holderIdentity":"a","renewTime":"'$SOON'"}}'
export ANSWERS=$RELEASE ANSWER="200 $NODES"
expect 0 "^0 nodes$" status
expect 0 '"nodes": \[\]' status -o json --context other
[[ $("$PROGRAM" status 2>/dev/null | head -1) == NODE* ]] || { echo "FAILED: status warns of a whole release" && failed=1; }
GONE='404 {"kind":"Status","reason":"NotFound"}'
ANSWERS="/attestationevidences 200 $NODES
/nodes 200 $NODES" ANSWER=$GONE expect 4 "NOT INSTALLED: there is no release avouch in namespace avouch-system" status
ANSWERS="/validatingwebhookconfigurations/avouch $GONE
$RELEASE" expect 4 "^WEBHOOK CONFIGURATION ABSENT: ValidatingWebhookConfiguration avouch is not there\.$" status
ANSWERS="/validatingwebhookconfigurations/avouch $GONE
$RELEASE" expect 4 "^  It means: NO pod is gated" status
ANSWERS="/endpoints/avouch-webhook 200 {}
/deployments/avouch-webhook 200 {\"spec\":{\"replicas\":0}}
$RELEASE" expect 3 "^WEBHOOK DOWN: .* is scaled to 0" status
ANSWERS="/leases/avouch-controller 200 {\"spec\":{\"holderIdentity\":\"a\",\"renewTime\":\"2026-01-01T00:00:00Z\"}}
$RELEASE" expect 3 '"state": "Down"' status -o json
# A Lease that no controller wrote tells of no leader.
EVIL='/leases/avouch-controller 200 {"spec":{"holderIdentity":"evil","renewTime":"2999-01-01T00:00:00Z","acquireTime":"2999-01-01T00:00:00Z"}}'
ANSWERS="$EVIL
$RELEASE" expect 1 '^LEASE WRONG: Lease avouch-system/avouch-controller says that "evil" holds it, renewed at 2999-' status
ANSWERS="$EVIL
$RELEASE" expect 1 '"wrongLease"' status -o json
ANSWERS="$EVIL
/statefulsets/avouch-controller 200 {\"spec\":{\"replicas\":1},\"status\":{}}
$RELEASE" expect 3 "^LEASE WRONG: " status
# Pods of the release on a node that fails, for those who may list them.
FAILING='/nodes 200 {"kind":"List","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"n1","uid":"u"}}]}
/attestationevidences 200 {"kind":"List","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"n1"},"status":{"phase":"Stale"}}]}'
ANSWERS="$FAILING
/pods 200 {\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{\"name\":\"avouch-controller-0\",\"uid\":\"p\"},\"spec\":{\"nodeName\":\"n1\"}}]}
$RELEASE" expect 1 "^KEYS ON A FAILING NODE: 1 pod of the release runs" status
ANSWERS="$FAILING
/pods 200 {\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{\"name\":\"avouch-controller-0\",\"uid\":\"p\"},\"spec\":{\"nodeName\":\"n1\"}}]}
$RELEASE" expect 1 "^  avouch-controller-0 on node n1 \(Stale\)$" status
ANSWERS="$FAILING
/pods 403 {\"kind\":\"Status\",\"reason\":\"Forbidden\"}
$RELEASE" expect 0 '"podsOnFailingNodes": null' status -o json
# What policies say of webhook configuration and log.
policy_says() { # TYPE STATUS REASON
  printf '/attestationpolicies 200 {"kind":"List","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"p"},"status":{"conditions":[{"type":"%s","status":"%s","reason":"%s","message":"so it is"}]}}]}\n' "$@"
}
ANSWERS="$(policy_says Guarded False ConfigurationChanged)
$RELEASE" expect 1 "^NOT GUARDED: ConfigurationChanged: so it is$" status
ANSWERS="$(policy_says Guarded Unknown ConfigurationAwaited)
$RELEASE" expect 1 "^GUARDED\? ConfigurationAwaited" status
ANSWERS="$(policy_says Guarded True AsInstalled)
$RELEASE" expect 0 "^0 nodes$" status
ANSWERS="$(policy_says Recorded False LogReadOnly)
$RELEASE" expect 1 "^LOG READ-ONLY: so it is\.$" status
ANSWERS="$(policy_says Recorded False AdmissionsNotRecorded)
$RELEASE" expect 1 '"reason": "AdmissionsNotRecorded"' status -o json
ANSWERS="$(policy_says Recorded True EntriesTaken)
$RELEASE" expect 0 '"reason": "EntriesTaken"' status -o json
ANSWERS="/endpoints/avouch-webhook 200 {}
$(policy_says Recorded False LogReadOnly)
$RELEASE" expect 3 "^LOG READ-ONLY" status
# A policy that denies every pod that it gates.
NOWHERE='/attestationpolicies 200 {"kind":"List","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"p","generation":1},"spec":{},"status":{"observedGeneration":1,"nodes":{"matched":2,"trusted":0}}}]}'
ANSWERS="$NOWHERE
$RELEASE" expect 1 "^SATISFIED NOWHERE: policy p \(mode Enforce\) selects 2 nodes, and none of them satisfies it\.$" status
ANSWERS="$NOWHERE
$RELEASE" expect 1 '"trusted": 0' status -o json
# Without a policy the Lease says it, and whether or not the policies could be read.
lease_says() { # STATUS REASON
  printf '/leases/avouch-controller 200 {"metadata":{"annotations":{"avouch.dev/recorded":"{\\"type\\":\\"Recorded\\",\\"status\\":\\"%s\\",\\"reason\\":\\"%s\\",\\"message\\":\\"so it is\\"}"}},"spec":{"holderIdentity":"a","renewTime":"%s"}}\n' "$@" "$SOON"
}
ANSWERS="$(lease_says False LogReadOnly)
$RELEASE" expect 1 "^LOG READ-ONLY: so it is\.$" status
ANSWERS="$(lease_says False LogTakesNothing)
$RELEASE" expect 1 '"reason": "LogTakesNothing"' status -o json
ANSWERS="$(lease_says False LogReadOnly)
/attestationpolicies 403 {\"kind\":\"Status\",\"reason\":\"Forbidden\"}
$RELEASE" expect 1 "^LOG READ-ONLY: so it is\.$" status
ANSWERS="$(lease_says True EntriesTaken)
$RELEASE" expect 0 "^0 nodes$" status
# Verdicts that ran out under a controller that leads.
UNWRITTEN='/nodes 200 {"kind":"List","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"n1","uid":"u"}}]}
/attestationevidences 200 {"kind":"List","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"n1"},"spec":{"nodeUID":"u"},"status":{"phase":"Trusted","verdict":{"expires":"2026-01-01T00:00:00Z"}}}]}'
ANSWERS="$UNWRITTEN
$RELEASE" expect 1 "^NOT WRITTEN: a controller leads, but the verdicts of 1 node ended" status
unset ANSWERS
export ANSWER=refuse
ANSWER='503 {"kind":"Status","message":"etcd is away"}' expect 3 "etcd is away" status
REFUSED='500 dial tcp 127.0.0.1:8080: connect: connection refused'
NO_CONTEXT=1 ANSWER=$REFUSED expect 4 "names no cluster to ask: set KUBECONFIG, or give --kubeconfig" status
ANSWER=$REFUSED KUBECONFIG=/a/config expect 3 "^kubectl avouch: the API server https://192.0.2.1:6443 gives no answer: dial tcp [0-9.:]+: connect: connection refused$" status
for words in "status" "version" "explain node n1" "explain pod web-0" "verify node n1" "verify log" "log" "log show 0" "export 0"; do
  # shellcheck disable=SC2086
  ANSWER=$REFUSED KUBECONFIG=/a/config expect 3 '^it is that of context "prod" of kubeconfig /a/config \(of KUBECONFIG\)$' $words
done
ANSWER=$REFUSED expect 3 "kubectl --kubeconfig /b --context prod get --raw /version" verify node n1 --kubeconfig /b
said=$(ANSWER=$REFUSED "$PROGRAM" status 2>&1) || true
[[ $(wc -l <<<"$said") == 3 ]] || { echo "FAILED: an API server that is away is more than three lines: $said" && failed=1; }
ANSWER="0 " expect 3 "gives no answer: " status
ANSWER='500 getting credentials: exec: executable login-helper not found' expect 4 "kubectl cannot log in or does not trust it: getting credentials: exec: executable" status
ANSWER='500 x509: certificate signed by unknown authority' expect 4 "mend that context" verify node n1
ANSWER='401 {"kind":"Status","reason":"Unauthorized","message":"Unauthorized"}' expect 4 "does not take your login, which may have expired: Unauthorized" status
ANSWER='401 {"kind":"Status","reason":"Unauthorized","message":"Unauthorized"}' expect 4 "log in anew" log

# Want of rights: the role that the chart has for it.
FORBIDDEN='403 {"kind":"Status","reason":"Forbidden","message":"nodes is forbidden: User \"bob@example.org\" cannot list it"}'
VIEWER="ClusterRole avouch-node-viewer grants it: kubectl create clusterrolebinding avouch-node-viewer-bob@example.org --clusterrole=avouch-node-viewer --user=bob@example.org"
READER="Role avouch-log-reader grants it: kubectl -n avouch-system create rolebinding avouch-log-reader-bob@example.org --role=avouch-log-reader --user=bob@example.org"
for words in "status" "explain node n1"; do
  # shellcheck disable=SC2086
  ANSWER=$FORBIDDEN expect 4 "$VIEWER" $words
done
for words in "explain pod web-0" "verify node n1" "verify pod web-0" "verify pods" "verify pods -A" "verify log" "log" "log show 0" "log fsck" "export 0" "version"; do
  # shellcheck disable=SC2086
  ANSWER=$FORBIDDEN expect 4 "$READER" $words
done
ANSWER=$FORBIDDEN expect 4 "ClusterRole other-node-viewer grants it" status --release other
ANSWER=${FORBIDDEN/bob@example.org/a\$(b)} expect 4 "user=USER" status

ANSWER='404 {"kind":"Status","reason":"NotFound"}' expect 4 'there is no node "n9"' explain node n9
ANSWER='404 {"kind":"Status","reason":"NotFound"}' expect 4 "is the release installed there" verify node n1
ANSWER='200 {"data":{"verifier-keys.pem":"junk","log.vkey":"x","log.origin":"o"}}' expect 4 "verifier keys" verify node n1
ANSWER="200 $NODES" expect 2 "belong together" verify node n1 --vkey /dev/null
for words in "--origin a" "--verifier-keys a" "--vkey a --origin b" "--verifier-keys a --vkey b"; do
  # shellcheck disable=SC2086
  expect 2 "give all three or none" log $words
done
ANSWER="200 $NODES" expect 4 "no such file" verify log --since /nonexistent
# What --since names is read before anything is asked.
printf 'log.example.org/avouch\n300\nno root\n\n\xe2\x80\x94 log.example.org/avouch AAAAAAAA\n' >"$scratch/no-root"
: >"$scratch/empty"
SINCE='; expected a checkpoint as --save has kept it \(the first time give --save alone\)$'
ANSWER=refuse expect 4 "^kubectl avouch: --since $HERE/run.sh: is no checkpoint: .+$SINCE" verify log --since "$HERE/run.sh"
ANSWER=refuse expect 4 "^kubectl avouch: --since $scratch/no-root: checkpoint: root hash.+$SINCE" verify log --since "$scratch/no-root"
ANSWER=refuse expect 4 "^kubectl avouch: --since $scratch/empty: is empty$SINCE" verify log --since "$scratch/empty"
ANSWER=refuse expect 4 "^kubectl avouch: --since $scratch/none: there is no such file$SINCE" verify log --since "$scratch/none"
without_kubectl=$(PATH=/nonexistent "$PROGRAM" status 2>&1) && failed=1
[[ $without_kubectl == *"kubectl: not found on the PATH"* ]] || failed=1

# A whole log in a directory, without a server.
LOG=$HERE/../vectors/tlog/log
fsck=(log fsck --vkey "$LOG/log.vkey" --directory)
expect 0 "whole: everything read" "${fsck[@]}" "$LOG"
expect 0 '"whole": true' "${fsck[@]}" "$LOG" -o json
expect 2 "need --vkey" log fsck --directory "$LOG"
expect 2 "need --vkey" log fsck --database "$LOG"
expect 2 "excludes" "${fsck[@]}" "$LOG" --database "$LOG"
expect 4 "is no log directory" "${fsck[@]}" "$scratch"
expect 4 "there is no such file" log fsck --directory "$LOG" --vkey "$scratch/none"
cp -r "$LOG" "$scratch/source"
copy=(log copy --vkey "$LOG/log.vkey")
expect 0 "300 entries in [0-9]+ objects" "${copy[@]}" --from "files:$scratch/source" --to "files:$scratch/copied"
expect 0 "whole: everything read" "${fsck[@]}" "$scratch/copied"
cmp "$LOG/public/checkpoint" "$scratch/copied/public/checkpoint" || failed=1
expect 0 '"had": 300' "${copy[@]}" --from "files:$scratch/copied" --to "files:$scratch/source" -o json
expect 2 "needs --vkey" log copy --from "files:$scratch/source" --to "files:$scratch/copied"
expect 2 "expected files:DIRECTORY" "${copy[@]}" --from "$scratch/source" --to "files:$scratch/copied"
expect 4 "is no log directory" "${copy[@]}" --from "files:$scratch" --to "files:$scratch/copied"
expect 4 "there is no such file" "${copy[@]}" --from "files:$scratch/source" --to "postgres:$scratch/none"
printf 'host=%s/none password=s3cret\n' "$scratch" >"$scratch/connection"
expect 3 "no connection" "${copy[@]}" --from "files:$scratch/source" --to "postgres:$scratch/connection"
expect 3 "no connection" log fsck --vkey "$LOG/log.vkey" --database "$scratch/connection"
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
expect 2 "a tlog-proof needs --vkey. Keep" verify proof "$PROOFS/0.tlog-proof"
expect 2 "^kubectl avouch: verify proof needs --vkey, or --verifier-keys and --origin" verify proof "$scratch/none"
# Whoever gives no key is told which file it is and how to get it.
COPIES="Keep copies .*log.vkey \\(--vkey\\).*kubectl -n avouch-system get configmap avouch-trust -o 'jsonpath=\{.data.log\\\\.vkey\}' >log.vkey$"
expect 2 "$COPIES" verify proof "$PROOFS/0.tlog-proof"
expect 2 "a transparent statement, which needs --verifier-keys and --origin \\(or --vkey\\). $COPIES" verify proof "$PROOFS/0.cose"
expect 2 "a transparent statement, which needs --origin \\(or --vkey\\). $COPIES" verify proof --verifier-keys "$PROOFS/verifier.pem" "$PROOFS/0.cose"
expect 2 "$COPIES" verify misbehaviour "$PROOFS/fork.misbehaviour"
expect 2 "^kubectl avouch: log copy needs --vkey.*$COPIES" log copy --from "files:$scratch/source" --to "files:$scratch/copied"
expect 2 "$COPIES" log fsck --directory "$LOG"
expect 2 "$COPIES" log --origin a
expect 2 "kubectl -n ns get configmap other-trust" log --origin a --release other --release-namespace ns
expect 4 "$COPIES" verify proof --vkey "$LOG/log.vkey" "$PROOFS/0.cose"
expect 4 "$COPIES" verify proof --verifier-keys "$PROOFS/verifier.pem" --origin log.example.org/avouch "$PROOFS/0.tlog-proof"
expect 2 "^--policy is required: File with one AttestationPolicy$" appraise "$scratch"
expect 2 "^name is required: Name of the node$" explain node
expect 2 "^--service-account is required: NAMESPACE/NAME of an account" reference upload "$scratch"
expect 4 "line 1" "${proof[@]}" --log-policy "$PROOFS/verifier.pem" "$PROOFS/0.tlog-proof"
expect 4 "there is no such file" "${proof[@]}" "$scratch/none"
expect 2 "tlog-proof" export 1 --format pdf
# The same as a transparent statement.
cose=(verify proof --verifier-keys "$PROOFS/verifier.pem" --origin log.example.org/avouch)
expect 0 "log signed the root to which" "${cose[@]}" "$PROOFS/0.cose"
expect 0 "content is what the statement commits to" "${cose[@]}" --preimage "$PROOFS/0.preimage" "$PROOFS/0.cose"
expect 0 '"verified": true' verify proof --vkey "$LOG/log.vkey" --verifier-keys "$PROOFS/verifier.pem" -o json "$PROOFS/0.cose"
expect 0 "a receipt of another log was not checked.* other.example" "${cose[@]}" "$PROOFS/0-two.cose"
expect 1 "FAILS .*there is none of this log" "${cose[@]}" "$PROOFS/0-other.cose"
expect 1 "FAILS .*expected \"other.example\"" "${cose[@]::4}" --origin other.example "$PROOFS/0-other.cose"
expect 4 "a transparent statement, which needs --verifier-keys. Keep" verify proof --vkey "$LOG/log.vkey" "$PROOFS/0.cose"
expect 4 "no cosignatures for --log-policy" "${cose[@]}" --log-policy "$PROOFS/log-policy" "$PROOFS/0.cose"
expect 4 "a tlog-proof needs --vkey" "${cose[@]}" "$PROOFS/0.tlog-proof"
expect 4 "0.tlog-proof: .*expected a signed statement, which --receipt is of" "${cose[@]}" --receipt "$PROOFS/0.cose" "$PROOFS/0.tlog-proof"
expect 4 "none: there is no such file" "${cose[@]}" --receipt "$scratch/none" "$PROOFS/0.cose"
head -c 300 "$PROOFS/0.cose" >"$scratch/short.cose"
expect 1 "FAILS .*the file is a transparent statement" "${cose[@]}" "$scratch/short.cose"

fork=(verify misbehaviour --vkey "$LOG/log.vkey")
expect 0 "larger tree begins otherwise than the smaller one" "${fork[@]}" "$PROOFS/fork.misbehaviour"
sed '/^proof/d' "$PROOFS/fork.misbehaviour" >"$scratch/unproven"
expect 1 "FAILS .*contradicted itself" "${fork[@]}" "$scratch/unproven"
expect 1 "FAILS .*line 1" "${fork[@]}" "$PROOFS/0.tlog-proof"
expect 1 "FAILS" "${fork[@]}" --origin other.example "$PROOFS/fork.misbehaviour"
expect 2 "needs --vkey" verify misbehaviour "$PROOFS/fork.misbehaviour"

# A release whose log is those files; nobody may read contents, or the account `reader` may.
export LOG_FILES=$LOG/public ANSWER='404 {"kind":"Status","reason":"NotFound"}'
keys=(--vkey "$LOG/log.vkey" --verifier-keys "$PROOFS/verifier.pem" --origin log.example.org/avouch)
expect 0 "verified: everything" log show 0 "${keys[@]}"
expect 0 "verified: everything" log show 0 --refs "${keys[@]}"
expect 4 "$0: log policy, line 3: " log show 0 --refs --log-policy "$0" "${keys[@]}"
expect 4 "there is no entry 300: the log's newest checkpoint is of 300 entries" log show 300 "${keys[@]}"
expect 4 "there is no entry 300" log show 300 --refs "${keys[@]}"
expect 4 "there is no entry 300" log endorse "${speaker[@]}" 300 "${keys[@]}"
expect 4 "what is it about" log endorse "${speaker[@]}"
expect 4 "no such file" log endorse "${speaker[@]}" --proof "$0.none"
expect 4 "$0: tlog-proof: line 1" log endorse "${speaker[@]}" --proof "$0" 3
expect 4 "there is no entry 300" log show 300 -o json "${keys[@]}"
expect 4 "there is no entry 300" export 300 "${keys[@]}"
expect 4 "there is no entry 999999999999999999" log show 999999999999999999 "${keys[@]}"
expect 0 "c2sp.org/tlog-proof" export 0 "${keys[@]}"
expect 1 "FAILS .*checkpoint is signed by the log" export 0 "${keys[@]::5}" other.example
expect 4 "entries are listed only with a token of account avouch-system/avouch-reader; Role avouch-log-reader" log "${keys[@]}"
# Files that cannot be written are said before anything is asked, and nothing else is replaced.
mkfifo "$scratch/pipe"
for file in /nonexistent/file "$scratch/none/file" "$scratch/moved/file" "$scratch" "$scratch/" "$scratch/pipe" /dev/null; do
  ANSWER=refuse expect 4 "$file: cannot be written: .+" verify log --save "$file"
  ANSWER=refuse expect 4 "$file: cannot be written: .+" export 0 -f "$file"
  ANSWER=refuse expect 4 "$file: cannot be written: .+" export 0 --preimage "$file"
done
[[ -p $scratch/pipe && -c /dev/null ]] || { echo "FAILED: a pipe or a device was replaced" && failed=1; }
expect 0 "verified" verify log "${keys[@]}" --save "$scratch/saved"
cmp "$scratch/saved" "$LOG/public/checkpoint" || failed=1
expect 0 "only grew" verify log "${keys[@]}" --since "$scratch/saved" --save "$scratch/saved"
# Which logs there are: one, unless the list says otherwise, and no other in place of the newest.
expect 0 "ok .*it is the newest log: it is open" log shards "${keys[@]}"
expect 4 "--from 2030: there is no such log; expected one of log.example.org/avouch" log shards --from 2030 "${keys[@]}"
expect 2 "shard excludes --from|from excludes --shard" log shards --from 2030 --shard 2030 "${keys[@]}"
for words in "log --limit 1" "verify log" "log shards" "verify node worker-1"; do
  # shellcheck disable=SC2086
  ANSWERS="/log/shards 503 {}" expect 3 "which logs there are cannot be told: .*503" $words "${keys[@]}"
done
ANSWERS='/log/shards 200 {"shards":[],"notServed":["log.example.org/avouch/2026"]}' \
  expect 0 "note: log log.example.org/avouch/2026 cannot be read here" verify log "${keys[@]}"
expect 4 "$scratch: Is a directory|$scratch: is a directory" verify log "${keys[@]}" --since "$scratch"
for words in "version --client" "log show 0 ${keys[*]}"; do
  # shellcheck disable=SC2086
  "$PROGRAM" $words >/dev/full 2>"$scratch/said" && status=0 || status=$?
  if ((status != 4)) || ! grep -q "standard output" "$scratch/said"; then
    echo "FAILED: $words to a full device: status $status"
    failed=1
  fi
done

# Names that nobody knows.
LISTED='{"kind":"List","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"worker-1","namespace":"shop"}}]}'
token='/token 201 {"status":{"token":"t0","expirationTimestamp":"2027-01-01T00:00:00Z"}}'
entries='/v1/log/entries 200 {"entries":[]}'
known="$token
$entries
/nodes/worker-1 200 {\"metadata\":{\"name\":\"worker-1\"}}
/pods/worker-1 200 {\"metadata\":{\"name\":\"worker-1\",\"namespace\":\"shop\"}}
/nodes 200 $LISTED
/pods 200 $LISTED"
export ANSWERS=$known
expect 4 'there is no node "nope"; kubectl get nodes lists those that are there, and kubectl avouch log --node nope' explain node nope
expect 4 'there is no node "worker1"; did you mean "worker-1"\?' explain node worker1
expect 4 'there is no node "worker1"; did you mean "worker-1"\?' verify node worker1 "${keys[@]}"
expect 4 'the log has no entry about node "worker1", and there is no node "worker1" in the cluster; did you mean "worker-1"\?' log --node worker1 "${keys[@]}"
expect 0 "300 entries" log --node worker-1 "${keys[@]}"
expect 4 'the log has no entry about pod shop/nope, and there is no pod shop/nope in the cluster; kubectl get pods -n shop lists' log --pod nope "${keys[@]}"
expect 4 'there is no pod a/worker_?1' log --pod worker1 -n a "${keys[@]}"
expect 4 'there is no pod shop/worker1 in the cluster; did you mean "worker-1"\?' explain pod worker1 "${keys[@]}"
expect 4 'there is no pod shop/worker1 in the cluster; did you mean "worker-1"\?' explain pod worker1 -o json "${keys[@]}"
expect 4 'the log has no admission verdict of pod shop/worker1, and there is no pod' verify pod worker1 "${keys[@]}"
expect 0 "No admission verdict of pod shop/worker-1: no policy gates it" explain pod worker-1 "${keys[@]}"
expect 0 '"verdicts": \[\]' explain pod worker-1 -o json "${keys[@]}"
# The node of a pod that runs fails now, whatever was decided.
ANSWERS="/pods/worker-1 200 {\"metadata\":{\"name\":\"worker-1\",\"namespace\":\"shop\",\"uid\":\"p\"},\"spec\":{\"nodeName\":\"worker-1\"}}
/attestationevidences/worker-1 200 {\"metadata\":{\"name\":\"worker-1\"},\"status\":{\"phase\":\"Stale\",\"verdict\":{\"policies\":[{\"name\":\"p\",\"result\":\"affirming\"}]}}}
/attestationpolicies 200 {\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{\"name\":\"p\"},\"spec\":{}}]}
/nodes/worker-1 200 {\"metadata\":{\"name\":\"worker-1\",\"uid\":\"u\"}}
$known"
expect 0 "^NODE FAILS NOW: pod shop/worker-1 runs on node worker-1, which is Stale\.$" explain pod worker-1 "${keys[@]}"
expect 0 "^  policy p \(mode Enforce, onFailure.taint NoSchedule\): the pod stays" explain pod worker-1 "${keys[@]}"
expect 0 '"fails": true' explain pod worker-1 -o json "${keys[@]}"
ANSWERS="/pods/worker-1 200 {\"metadata\":{\"name\":\"worker-1\",\"namespace\":\"shop\",\"uid\":\"p\"},\"spec\":{\"nodeName\":\"gone\"}}
$known" expect 0 'whether the pod.s node fails now is not said: there is no node "gone"' explain pod worker-1 "${keys[@]}"
export ANSWERS=$known
expect 0 "300 entries" log --pod worker-1 "${keys[@]}"
ANSWERS="$token
$entries" ANSWER=$FORBIDDEN expect 4 "whether there is a pod shop/web-0 in the cluster cannot be seen: .*403" explain pod web-0 "${keys[@]}"
ANSWERS="$token
/v1/log/entries 200 junk" expect 1 "FAILS .*list of entries can be read" explain pod web-0 "${keys[@]}"
ANSWERS="$token
/v1/log/entries 403 {\"code\":\"NotEntitled\",\"detail\":\"no\"}" expect 4 "bind ClusterRole avouch-reader-nodes or avouch-reader-pods" log --node n1 "${keys[@]}"
ANSWERS="$token
/proxy/log/checkpoint $FORBIDDEN" expect 4 "Role avouch-log-reader grants it" log fsck "${keys[@]}"
ANSWERS="$token
/proxy/log/tile/0/000 $FORBIDDEN" expect 4 "right to read the log" log fsck "${keys[@]}"
# Page by page.
[[ $("$PROGRAM" log --node worker-1 "${keys[@]}") != *older* ]] || { echo "FAILED: there is nothing older" && failed=1; }
page='"kind":"epoch","statement":"AAAA","withheld":"no"}'
ANSWERS="$token
/v1/log/entries?node=worker-1&limit=20 200 {\"entries\":[],\"from\":256}
/v1/log/entries?node=worker-1&before=256&limit=20 200 {\"entries\":[],\"from\":128}
/v1/log/entries?node=worker-1&before=128&limit=1 200 {\"entries\":[{\"index\":100,$page],\"from\":90}
/v1/log/entries?namespace=a&pod=b&before=9&limit=20 200 {\"entries\":[],\"from\":0}
/v1/log/entries/4 200 {\"index\":4,$page
/v1/log/entries/3 200 {\"index\":3,$page
/v1/log/entries/1 200 {\"index\":1,$page
/v1/log/entries/0 200 {\"index\":0,$page
/v1/log/entries/299 200 {\"index\":299,$page"
expect 0 "^older entries: the same command with --before 256$" log --node worker-1 "${keys[@]}"
expect 0 "^older entries: the same command with --before 128$" log --node worker-1 --before 256 "${keys[@]}"
expect 0 '^  "before": 128' log --node worker-1 --before 256 -o json "${keys[@]}"
expect 1 "^older entries: the same command with --before 100$" log --node worker-1 --before 128 --limit 1 "${keys[@]}"
expect 0 "300 entries" log --pod b -n a --before 9 "${keys[@]}"
expect 1 "^older entries: the same command with --before 3$" log --before 5 --limit 2 "${keys[@]}"
expect 1 "^older entries: the same command with --before 299$" log --before 1000 --limit 1 "${keys[@]}"
[[ $("$PROGRAM" log --before 2 "${keys[@]}") != *older* ]] || { echo "FAILED: nothing is older than entry 0" && failed=1; }
expect 0 "300 entries" log --before 0 "${keys[@]}"
unset ANSWERS

# While the log changes its key, its vkeys are two lines, and either will do.
OTHER=$(python3 -c 'import base64, hashlib
name, key = b"log.example.org/avouch", b"\x01" + bytes(range(32))
print((name + b"+" + hashlib.sha256(name + b"\n" + key).hexdigest()[:8].encode() + b"+" + base64.b64encode(key)).decode())')
printf '%s\n' "$OTHER" "$(<"$LOG/log.vkey")" >"$scratch/two.vkey"
printf '%s\n' "$OTHER" >"$scratch/other.vkey"
printf '%s\n\n%s\n' "$(<"$LOG/log.vkey")" "${OTHER/log.example/lag.example}" >"$scratch/bad.vkey"
expect 0 "whole: everything read" log fsck --directory "$LOG" --vkey "$scratch/two.vkey"
expect 0 "verified: everything" log show 0 --vkey "$scratch/two.vkey" "${keys[@]:2}"
expect 0 "not checked" verify proof --vkey "$scratch/two.vkey" "$PROOFS/0.tlog-proof"
expect 1 "FAILS" verify proof --vkey "$scratch/other.vkey" "$PROOFS/0.tlog-proof"
expect 4 "bad.vkey: line 3: " log fsck --directory "$LOG" --vkey "$scratch/bad.vkey"

# Under the newest checkpoint that a quorum has cosigned, which is a prefix of its own.
expect 3 "no checkpoint that a quorum of witnesses has cosigned: are any asked" export 0 --witnessed "${keys[@]}"
cp -r "$LOG/public" "$scratch/witnessed-log"
mkdir "$scratch/witnessed-log/witnessed"
(cat "$LOG/public/checkpoint" && tail -1 "$PROOFS/0-cosigned.tlog-proof") >"$scratch/witnessed-log/witnessed/checkpoint"
LOG_FILES=$scratch/witnessed-log expect 0 "" export 0 --witnessed -f "$scratch/0.tlog-proof" "${keys[@]}"
expect 0 "cosigned the checkpoint: witness.example at 2027" "${proof[@]}" --log-policy "$PROOFS/log-policy" "$scratch/0.tlog-proof"
# No file that is there is replaced unless that is asked for.
THERE='cannot be written: it is there already: give --force to replace it, or another name$'
cp "$scratch/0.tlog-proof" "$scratch/as-it-was"
ANSWER=refuse expect 4 "^kubectl avouch: $scratch/0.tlog-proof: $THERE" export 0 -f "$scratch/0.tlog-proof" "${keys[@]}"
ANSWER=refuse expect 4 "^kubectl avouch: $scratch/0.tlog-proof: $THERE" export 0 --preimage "$scratch/0.tlog-proof" "${keys[@]}"
ANSWER=refuse expect 4 "^kubectl avouch: $scratch/0.tlog-proof: $THERE" log register --service-account a/b -f "$scratch/0.tlog-proof" "$PROOFS/0.cose"
ANSWER=refuse expect 4 "no configuration" log register --service-account a/b --force -f "$scratch/0.tlog-proof" "$PROOFS/0.cose"
cmp "$scratch/as-it-was" "$scratch/0.tlog-proof" || failed=1
expect 2 "--file and --preimage name the same file" export 0 -f "$scratch/same" --preimage "$scratch/same" "${keys[@]}"
expect 0 "" export 0 --force -f "$scratch/0.tlog-proof" "${keys[@]}"
expect 1 "no quorum" "${proof[@]}" --log-policy "$PROOFS/log-policy" "$scratch/0.tlog-proof"
LOG_FILES=$scratch/witnessed-log expect 3 "entry 300 is not under the newest witnessed checkpoint, which has 300 entries" export 300 --witnessed "${keys[@]}"
sed -i 's/^300$/299/' "$scratch/witnessed-log/witnessed/checkpoint"
LOG_FILES=$scratch/witnessed-log expect 1 "FAILS .*checkpoint is signed by the log" export 0 --witnessed "${keys[@]}"
unset LOG_FILES
export ANSWER=refuse

# The demo's help starts nothing.
demo=$HERE/../../hack/demo.sh
for word in -h --help; do
  said=$(AVOUCH_STATE=$scratch/state "$demo" "$word" 2>&1) && status=0 || status=$?
  if [[ $status != 0 || $said != *"hack/demo.sh [--keep]"* || $said == *"set -euo"* || -e $scratch/state ]]; then
    echo "FAILED: demo.sh $word: status $status: $said"
    failed=1
  fi
done

completes "status :4" st
completes "show fsck copy endorse dispute measure supersede erase :4" log ""
completes "upload :4" reference up
completes "from-evidence from-rootfs from-debs :4" reference from
completes "node pod pods log proof :4" verify ""
completes "worker-1 worker-2 :4" explain node w
completes ":4" verify node worker-1 ""

((failed)) || echo "the command line's tests have passed"
exit "$failed"
