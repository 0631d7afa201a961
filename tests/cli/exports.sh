#!/usr/bin/env bash
# Tests kubectl avouch export and verify proof with in-toto statements, against files that another program made and a
# script that has no code of ours. Usage: exports.sh PROGRAM
set -euo pipefail
# shellcheck source=tests/cli/expect.sh
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROGRAM=$1
export PATH=$HERE:$PATH ANSWER='404 {"kind":"Status","reason":"NotFound"}'
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# expect STATUS PATTERN WORD...: the program's exit status, and what it prints.
expect() { expect_run "$1" "$2" "$PROGRAM" "${@:3}"; }

# script STATUS PATTERN FILE [SIGNERS]: what the script without code of ours does, and prints.
script() {
  expect_run "$1" "$2" /usr/bin/python3 "$HERE/../../hack/check-export.py" --vkey "$(<"$VKEY")" \
    --entry-keys "$VERIFIER" --signer-keys "${4:-$EXPORTS/signer.pem}" "$3"
}

EXPORTS=$HERE/../vectors/tlog/exports
VKEY=$HERE/../vectors/tlog/log/log.vkey
PROOFS=$HERE/../vectors/tlog/proofs
VERIFIER=$PROOFS/verifier.pem
OWN=$EXPORTS/signer-key.pem

# Without a server.
proof=(verify proof --vkey "$VKEY")
cose=(verify proof --verifier-keys "$VERIFIER" --origin log.example.org/avouch)
in_toto=("${proof[@]}" --verifier-keys "$VERIFIER")
signers=(--signer-keys "$EXPORTS/signer.pem")
expect 0 "node worker-1 became Trusted" "${in_toto[@]}" "${signers[@]}" "$EXPORTS/0.in-toto.json"
expect 0 "subject and predicate are what the entry says" "${in_toto[@]}" "${signers[@]}" "$EXPORTS/1.in-toto.json"
expect 0 '"verified": true' "${in_toto[@]}" "${signers[@]}" -o json "$EXPORTS/1.in-toto.json"
expect 1 "no quorum" "${in_toto[@]}" "${signers[@]}" --log-policy "$PROOFS/log-policy" "$EXPORTS/0.in-toto.json"
expect 1 "FAILS .*signed by a key that was given" "${in_toto[@]}" --signer-keys "$VERIFIER" "$EXPORTS/0.in-toto.json"
expect 1 "FAILS .*is of log" "${proof[@]}" "${signers[@]}" --origin other.example "$EXPORTS/0.in-toto.json"
expect 2 "is an in-toto statement, which needs --vkey and --signer-keys \(a file with .*\). Keep copies " verify proof "$EXPORTS/0.in-toto.json"
expect 4 "is an in-toto statement, which needs --signer-keys \(a file with .* signed it\)$" "${in_toto[@]}" "$EXPORTS/0.in-toto.json"
expect 4 "leave --preimage away" "${in_toto[@]}" "${signers[@]}" --preimage "$PROOFS/0.preimage" "$EXPORTS/0.in-toto.json"
expect 4 "is no in-toto statement, and --signer-keys" "${in_toto[@]}" "${signers[@]}" "$PROOFS/0.tlog-proof"
expect 4 "is no in-toto statement, and --signer-keys" "${in_toto[@]}" "${signers[@]}" "$PROOFS/0.cose"
expect 4 "is an in-toto statement, which needs --vkey. Keep copies " "${cose[@]}" "${signers[@]}" "$EXPORTS/0.in-toto.json"
echo '{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}' >"$scratch/other.json"
expect 1 "FAILS .*is a DSSE envelope" "${in_toto[@]}" "${signers[@]}" "$scratch/other.json"
script 1 "no DSSE envelope" "$scratch/other.json"

# What the command line may not say, before anything is asked.
export ANSWER=refuse
expect 2 "format in-toto needs --key: .*openssl genpkey" export 0 --format in-toto
expect 2 "key is for --format in-toto" export 0 --key "$OWN"

# A release whose log this is: what is exported is to the byte what another program makes of the same entries.
keys=(--vkey "$VKEY" --verifier-keys "$VERIFIER" --origin log.example.org/avouch)
export LOG_FILES=$EXPORTS/log ANSWER='404 {"kind":"Status","reason":"NotFound"}'
expect 4 "$EXPORTS/none: there is no such file" export 0 --format in-toto --key "$EXPORTS/none" "${keys[@]}"
expect 4 "$EXPORTS/signer.pem: " export 0 --format in-toto --key "$EXPORTS/signer.pem" "${keys[@]}"
expect 4 "content of an entry is read only with a token" export 0 --format in-toto --key "$OWN" "${keys[@]}"
ANSWERS='/token 201 {"status":{"token":"t0","expirationTimestamp":"2027-01-01T00:00:00Z"}}'
for index in 0 1 2 3; do ANSWERS+=$'\n'"/v1/log/entries/$index 200 $(<"$EXPORTS/$index.listed.json")"; done
export ANSWERS
for index in 0 1; do
  expect 0 "" export "$index" --format in-toto --key "$OWN" -f "$scratch/$index.in-toto.json" "${keys[@]}"
  cmp "$EXPORTS/$index.in-toto.json" "$scratch/$index.in-toto.json" || failed=1
  jq -r .payload "$EXPORTS/$index.in-toto.json" | base64 -d >"$scratch/$index.statement"
done
expect 4 "it is of kind epoch, expected node-verdict or admission-verdict" export 2 --format in-toto --key "$OWN" "${keys[@]}"
expect 4 "withheld: a statement of another party" export 3 --format in-toto --key "$OWN" "${keys[@]}"
LOG_FILES=$HERE/../vectors/tlog/log/public expect 4 "not one that the log's verifier made" export 1 --format in-toto --key "$OWN" "${keys[@]}" # a number
expect 0 "" export 0 --format in-toto --key "$OWN" --preimage "$scratch/0.preimage" "${keys[@]}"
jq -r .predicate.preimage "$scratch/0.statement" | base64 -d | cmp - "$scratch/0.preimage" || failed=1

# By a key of the kind that the help makes; another's is another's.
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$scratch/key.pem" 2>/dev/null
openssl pkey -in "$scratch/key.pem" -pubout -out "$scratch/key-pub.pem"
expect 0 "" export 1 --format in-toto --key "$scratch/key.pem" -f "$scratch/own.json" "${keys[@]}"
expect 0 "deny of pod shop/web-0" "${in_toto[@]}" --signer-keys "$scratch/key-pub.pem" "$scratch/own.json"
expect 1 "FAILS" "${in_toto[@]}" "${signers[@]}" "$scratch/own.json"

# The same by a script without code of ours.
script 0 "its subject is node worker-1" "$EXPORTS/0.in-toto.json"
script 0 "its subject is pod shop/web-0" "$EXPORTS/1.in-toto.json"
script 0 "its subject is pod shop/web-0" "$scratch/own.json" "$scratch/key-pub.pem"
script 1 "signed by a key given" "$scratch/own.json"

# sign STATEMENT: the envelope of whoever has that key, who may say anything.
sign() {
  { printf 'DSSEv1 28 application/vnd.in-toto+json %s ' "$(wc -c <"$1")" && cat "$1"; } >"$scratch/message"
  openssl dgst -sha256 -sign "$scratch/key.pem" -out "$scratch/signature" "$scratch/message"
  jq -n --arg payload "$(base64 -w 0 "$1")" --arg sig "$(base64 -w 0 "$scratch/signature")" \
    '{payload: $payload, payloadType: "application/vnd.in-toto+json", signatures: [{sig: $sig}]}'
}

# Both refuse an envelope, and a statement that is signed anew, with any part of another.
for part in .payload .signatures; do
  jq --slurpfile other "$EXPORTS/1.in-toto.json" "$part = (\$other[0] | $part)" "$EXPORTS/0.in-toto.json" >"$scratch/changed.json"
  expect 1 "FAILS .*signed by a key that was given" "${in_toto[@]}" "${signers[@]}" "$scratch/changed.json"
  script 1 "signed by a key given" "$scratch/changed.json"
done
anew=(--signer-keys "$scratch/key-pub.pem")
sign "$scratch/0.statement" >"$scratch/anew.json"
expect 0 "subject and predicate are what the entry says" "${in_toto[@]}" "${anew[@]}" "$scratch/anew.json"
script 0 "its subject is node worker-1" "$scratch/anew.json" "$scratch/key-pub.pem"
for part in .subject .predicate.{index,kind,time,outcome,content,preimage,proof}; do
  jq -c --slurpfile other "$scratch/1.statement" "$part = (\$other[0] | $part)" "$scratch/0.statement" >"$scratch/changed.statement"
  sign "$scratch/changed.statement" >"$scratch/changed.json"
  expect 1 "FAILS" "${in_toto[@]}" "${anew[@]}" "$scratch/changed.json"
  script 1 "FAILS" "$scratch/changed.json" "$scratch/key-pub.pem"
done

((failed)) || echo "the tests of exports have passed"
exit "$failed"
