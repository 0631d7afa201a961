#!/usr/bin/env bash
# Tests kubectl avouch verify pods against the files of a log that another program made, which has one denial of a pod.
# Usage: pods.sh PROGRAM
set -euo pipefail
# shellcheck source=tests/cli/expect.sh
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROGRAM=$1
EXPORTS=$HERE/../vectors/tlog/exports
export PATH=$HERE:$PATH LOG_FILES=$EXPORTS/log ANSWER='404 {"kind":"Status","reason":"NotFound"}'

# expect STATUS PATTERN WORD...: the exit status of verify pods with these words, and what it prints.
expect() { expect_run "$1" "$2" "$PROGRAM" verify pods "${@:3}"; }

keys=(--vkey "$HERE/../vectors/tlog/log/log.vkey" --verifier-keys "$HERE/../vectors/tlog/proofs/verifier.pem"
  --origin log.example.org/avouch)
FORBIDDEN='403 {"kind":"Status","reason":"Forbidden","message":"User \"bob\" cannot list it"}'
DENIED=0d1f6a9e-5f0e-4a53-9d5e-1f2b3c4d5e6f

# cluster MODE MADE [UID]: what the API server has: a policy of January 2026 in that mode, and a pod made then.
cluster() {
  cat <<END
/attestationpolicies 200 {"kind":"List","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"production","uid":"p","generation":2,"creationTimestamp":"2026-01-01T00:00:00Z"},"spec":{"mode":"$1","workloads":{"namespaceSelector":{"matchLabels":{"gate":"yes"}}}}}]}
/validatingwebhookconfigurations/avouch 200 {}
/namespaces 200 {"kind":"List","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"kube-system","uid":"k","labels":{"gate":"yes"}}},{"metadata":{"name":"shop","uid":"s","labels":{"gate":"yes"}}}]}
/namespaces/shop 200 {"metadata":{"name":"shop","uid":"s","labels":{"gate":"yes"}}}
/namespaces/shop/pods 200 {"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"web-0","namespace":"shop","uid":"${3-u0}","creationTimestamp":"$2"},"spec":{"nodeName":"worker-2"}}]}
/token 201 {"status":{"token":"t0","expirationTimestamp":"2027-01-01T00:00:00Z"}}
/v1/log/entries 200 {"entries":[]}
END
}

export ANSWERS
ANSWERS=$(cluster Enforce 2026-02-01T00:00:00Z)
expect 1 "^shop +web-0 +worker-2 +2026-02-01T00:00:00Z +no entry$" "${keys[@]}"
expect 1 "^1 pod gated, 0 recorded and proved, 1 NOT RECORDED$" -n shop "${keys[@]}"
expect 1 "^Exempt, and not looked at: namespaces kube-system$" -A "${keys[@]}"
expect 1 "may not have gated a pod then: production\. .*--enforced-since TIME" "${keys[@]}"
expect 1 '"found": "NoEntry"' -o json "${keys[@]}"
expect 1 '"verified": false' -o json -A "${keys[@]}"
expect 0 "1 before the policy" --enforced-since 2026-02-01T00:00:01Z "${keys[@]}"
expect 0 '"verified": true' --enforced-since 2026-02-01T00:00:01Z -o json "${keys[@]}"
expect 4 "is to come" --enforced-since 2999-01-01T00:00:00Z "${keys[@]}"
expect 4 'there is no namespace "nope"' -n nope "${keys[@]}"
expect 1 "FAILS .*checkpoint is signed by the log" "${keys[@]::5}" other.example

ANSWERS=$(cluster Enforce 2025-12-31T23:59:59Z)
expect 0 "^Before the policy: shop/web-0" "${keys[@]}"
ANSWERS=$(cluster Audit 2026-02-01T00:00:00Z)
expect 0 "^No policy is in Enforce: no pod is gated" "${keys[@]}"
ANSWERS=$(cluster Enforce "$(date -u -d '90 seconds ago' +%FT%TZ)")
expect 3 "may be in a webhook's spool: shop/web-0; try again" "${keys[@]}"
ANSWERS="pod=web-0&uid=$DENIED&limit=1 200 {\"entries\":[$(<"$EXPORTS/1.listed.json")]}
$(cluster Enforce 2026-02-01T00:00:00Z "$DENIED")"
expect 1 "only denials: 1 entry, the newest is entry 1$" "${keys[@]}"
expect 1 '"found": "OnlyDenials"' -o json "${keys[@]}"

# What cannot be read, or may not be.
february=$(cluster Enforce 2026-02-01T00:00:00Z)
ANSWERS="/v1/log/entries 200 junk
$february" expect 1 "^1 pod gated, 0 recorded and proved, 1 NOT RECORDED$" "${keys[@]}"
ANSWERS="/namespaces/shop/pods 200 {\"items\":[]}
$february" expect 3 "metadata.resourceVersion is missing" "${keys[@]}"
ANSWERS="/namespaces/shop/pods $FORBIDDEN
$february" expect 4 "kubectl -n shop create rolebinding bob-pods --clusterrole=view" "${keys[@]}"
ANSWERS="/namespaces $FORBIDDEN
$february" expect 4 "kubectl create clusterrolebinding bob-pods --clusterrole=view" -A "${keys[@]}"
ANSWERS="/attestationpolicies $FORBIDDEN
$february" expect 4 "ClusterRole avouch-node-viewer grants it" "${keys[@]}"
ANSWERS="/token $FORBIDDEN
$february" expect 4 "are found only with a token of account avouch-system/avouch-reader" "${keys[@]}"

((failed)) || echo "the tests of verify pods have passed"
exit "$failed"
