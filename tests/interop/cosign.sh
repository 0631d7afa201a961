#!/usr/bin/env bash
# Has stock cosign put what it signs with a key into a log of ours, as into a Rekor v2, and verify it; and checks that each thing
# that must not pass does not. By hand: it reads Debian's newest package of cosign, by this machine's own mirrors, into the cache
# (20 MB), and asks nobody else.
#
#   tests/interop/cosign.sh BUILD_DIR [SUITE]     such as build/release (target log_server_bench); SUITE is sid
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib/common.sh
source "$HERE/../../hack/lib/common.sh"
# shellcheck source=hack/lib/deps.sh
source "$HERE/../../hack/lib/deps.sh"
# shellcheck source=tests/interop/debian.sh
source "$HERE/debian.sh"

server=$(realpath "${1:?name the build folder}")/tests/bench/log_server_bench
suite=${2:-sid}
[[ -x $server ]] || die "no program $server: build it first (target log_server_bench)"
dir=$CACHE_DIR/cosign-$suite
log=$CACHE_DIR/logs/cosign.log
origin=log.example.org
type=https://example.org/checked/v1

if [[ ! -d $dir ]]; then
  mkdir -p "$CACHE_DIR/logs"
  say "fetching Debian's cosign from $suite (log: $log)"
  : >"$log"
  quietly "$log" unpack_packages "$dir" "$suite" cosign || die "cannot fetch it: is the network there, and does the mirror have $suite?" "$log"
fi

work=$(mktemp -d -p /var/tmp)
pid=
cleanup() {
  [[ -z $pid ]] || kill "$pid" 2>/dev/null || true
  wait
  rm -rf "$work"
}
trap cleanup EXIT
cd "$work"
export HOME=$work COSIGN_PASSWORD='' # its keys are for this run alone

cosign() { "$dir/tree/usr/bin/cosign" "$@" >"$work/said" 2>&1; }
# passes WHAT ARGUMENTS...
passes() {
  local what=$1
  shift
  cosign "$@" || die "$what: cosign $1 failed" "$work/said"
  say "ok: $what"
}
# refused WHAT PATTERN ARGUMENTS...: it fails, and says that.
refused() {
  local what=$1 pattern=$2
  shift 2
  if cosign "$@"; then die "$what: cosign $1 passed"; fi
  grep -q "$pattern" "$work/said" || die "$what: failed without saying \"$pattern\"" "$work/said"
  say "ok: $what"
}

for name in signer stranger; do
  mkdir "$name"
  (cd "$name" && cosign generate-key-pair) || die "no key pair" "$work/said"
done
echo "what was built" >blob
echo "something else" >other
echo '{"checked": true}' >predicate.json

"$server" --dir "$work/log" --origin "$origin" --rekor-keys signer/cosign.pub >ours.out 2>ours.err &
pid=$!
for ((i = 0; i < 100; ++i)); do
  (($(wc -l <ours.out) == 2)) && break
  sleep 0.1
done
vkey=$(sed -n 1p ours.out)
url=$(sed -n 2p ours.out)
[[ -n $url ]] || die "the server did not start" ours.err

# The key of a vkey, as cosign reads it: docs/auditing.md, "Signatures by cosign".
{
  printf '\060\052\060\005\006\003\053\145\160\003\041\000'
  cut -d+ -f3- <<<"$vkey" | base64 -d | tail -c 32
} | openssl pkey -pubin -inform DER -out log.pem
openssl genpkey -algorithm ed25519 | openssl pkey -pubout -out other-log.pem
for key in log other-log; do
  passes "a trusted root with $key.pem" trusted-root create --out "$key.json" \
    --rekor="url=https://$origin,public-key=$key.pem,start-time=2026-01-01T00:00:00Z,origin=$origin"
done
passes "a signing config" signing-config create --rekor-config=ANY --out signing.json \
  --rekor="url=${url%/log/},api-version=2,start-time=2026-01-01T00:00:00Z,operator=example.org"

attest=(attest-blob --yes --signing-config signing.json --predicate predicate.json --type "$type")
verify=(verify-blob-attestation --key signer/cosign.pub --type "$type")
passes "an attestation is signed, entered and verified" "${attest[@]}" --key signer/cosign.key --trusted-root log.json --bundle bundle.json blob
passes "it is verified again from its bundle" "${verify[@]}" --trusted-root log.json --bundle bundle.json blob
refused "it is not of another file" . "${verify[@]}" --trusted-root log.json --bundle bundle.json other
refused "nor of another signer" . verify-blob-attestation --key stranger/cosign.pub --type "$type" --trusted-root log.json --bundle bundle.json blob
refused "nor in a log of another key" "log entries" "${verify[@]}" --trusted-root other-log.json --bundle bundle.json blob
jq -c 'del(.verificationMaterial.tlogEntries)' bundle.json >without.json
refused "nor in the log where the bundle does not prove it" "log entries" "${verify[@]}" --trusted-root log.json --bundle without.json blob
jq -c '.verificationMaterial.tlogEntries[0].inclusionProof.hashes += ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]' bundle.json >longer.json
refused "nor by another path" inclusion "${verify[@]}" --trusted-root log.json --bundle longer.json blob
refused "a key that the log does not list enters nothing" "403.*UnknownKey" "${attest[@]}" --key stranger/cosign.key --trusted-root log.json --bundle no.json blob
passes "a file is signed, entered and verified" sign-blob --yes --key signer/cosign.key --signing-config signing.json --trusted-root log.json --bundle signed.json blob
passes "that is verified again from its bundle" verify-blob --key signer/cosign.pub --trusted-root log.json --bundle signed.json blob

entries=$(curl --silent --fail "${url}checkpoint" | sed -n 2p)
[[ $entries == 2 ]] || die "the log has $entries entries, expected 2"
for index in 0 1; do
  "$HERE/../../hack/check-log-entry.py" --vkey "$vkey" --index "$index" --fetch "curl --silent --fail $url{path}" >"$work/said" ||
    die "entry $index" "$work/said"
done
say "ok: the log has both entries and no other, by a check with no code of either"
say "all is as expected with cosign of Debian's $suite"
