#!/usr/bin/env bash
# Has stock litewitness cosign a log of ours: `avouch-log serve` asks it by a tlog-policy, and serves what it has cosigned; then
# litewitness is away while the log starts, which waits for it, and comes back: it shows nothing at a monitoring endpoint, and is
# asked for the size that it has. By hand: it reads Debian's newest package of torchwood, by this machine's own mirrors, into
# the cache (20 MB), and asks nobody else. Needs openssh-client, as litewitness signs by an SSH agent.
#
#   tests/interop/litewitness_cosigns.sh BUILD_DIR [SUITE]     such as build/release; SUITE is sid
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=hack/lib/common.sh
source "$HERE/../../hack/lib/common.sh"
# shellcheck source=hack/lib/deps.sh
source "$HERE/../../hack/lib/deps.sh"
# shellcheck source=tests/interop/debian.sh
source "$HERE/debian.sh"

program=$(realpath "${1:?name the build folder}")/bin/avouch-log
suite=${2:-sid}
[[ -x $program ]] || die "no program $program: build it first (target avouch-log)"
command -v ssh-agent >/dev/null || die "no ssh-agent: install openssh-client"
tools=$CACHE_DIR/litewitness-$suite
log=$CACHE_DIR/logs/litewitness.log
if [[ ! -d $tools ]]; then
  mkdir -p "$CACHE_DIR/logs"
  say "fetching Debian's torchwood from $suite (log: $log)"
  : >"$log"
  quietly "$log" unpack_packages "$tools" "$suite" torchwood || die "cannot fetch it: is the network there, and does the mirror have $suite?" "$log"
fi

work=$(mktemp -d -p /var/tmp)
agent='' witness='' server=''
cleanup() {
  local pid
  for pid in $server $witness $agent; do kill "$pid" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap cleanup EXIT
cd "$work"

origin=log.example.org name=witness.example.org/lite
read -r witness_port log_port health_port < <(python3 -c '
import socket
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
print(*(each.getsockname()[1] for each in held))')

ssh-keygen -q -t ed25519 -N '' -f key
ssh-agent -D -a "$work/agent" >/dev/null 2>&1 &
agent=$!
for ((i = 0; i < 50; ++i)); do
  if [[ -S agent ]]; then break; fi
  sleep 0.1
done
SSH_AUTH_SOCK=$work/agent ssh-add -q key
fingerprint=$(ssh-keygen -l -f key.pub | cut -d' ' -f2)

mkdir state
cat >serve.yaml <<END
origin: $origin
key: $work/log.key
receiptKey: $work/receipt.key
directory: $work/state/log
headFile: $work/state/head
listen: 127.0.0.1:$log_port
health: 127.0.0.1:$health_port
witnesses: {policyFile: $work/policy, every: 1s}
END
vkey=$("$program" serve keygen --config serve.yaml)

# The witness's key as a vkey: cosignature/v1 is type 04.
witness_vkey=$(python3 - "$name" <<'END'
import base64, hashlib, sys
name = sys.argv[1]
raw = base64.b64decode(open("key.pub").read().split()[1])[-32:]
typed = b"\x04" + raw
key_id = hashlib.sha256(name.encode() + b"\n" + typed).digest()[:4]
print(f"{name}+{key_id.hex()}+{base64.b64encode(typed).decode()}")
END
)
cat >policy <<END
log $vkey
witness lite $witness_vkey http://127.0.0.1:$witness_port
group all all lite
quorum all
END

witnessctl() { "$tools/tree/usr/bin/witnessctl" "$@" >>witnessctl.out 2>&1 || die "witnessctl $1 failed" "$work/witnessctl.out"; }
witnessctl add-log -db witness.db -origin "$origin"
witnessctl add-key -db witness.db -origin "$origin" -key "$vkey"
start_witness() {
  "$tools/tree/usr/bin/litewitness" -listen "127.0.0.1:$witness_port" -name "$name" -key "$fingerprint" -ssh-agent "$work/agent" \
    -db witness.db >>witness.out 2>&1 &
  witness=$!
}
start_witness
"$program" serve --config serve.yaml >serve.out 2>&1 &
server=$!

# witnessed SIZE: waits until the log serves a checkpoint of that size or larger that the witness has cosigned.
witnessed() {
  local size i
  for ((i = 0; i < 300; ++i)); do
    if curl -fsS "http://127.0.0.1:$log_port/log/witnessed/checkpoint" >checkpoint 2>curl.out; then
      size=$(sed -n 2p checkpoint)
      if ((size >= $1)) && grep -q "^— $name " checkpoint; then return 0; fi
    fi
    sleep 0.1
  done
  die "no checkpoint of $1 entries or more that $name has cosigned; see $work/serve.out: $(tail -3 serve.out)" "$work/witness.out"
}

witnessed 1
say "ok: litewitness has cosigned the first checkpoint, of $(sed -n 2p checkpoint) entries"
first=$(sed -n 2p checkpoint)

kill "$witness" "$server"
wait "$witness" "$server" || true
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 2>openssl.out | openssl pkey -pubout >issuer.pem
cat >>serve.yaml <<END
registration:
  issuers:
    - issuer: https://vendor.example
      kinds: [text/plain]
      keys: |
$(sed 's/^/        /' issuer.pem)
writers:
  - {name: ci, tokenSHA256: "$(openssl rand -hex 32)"}
END
# The first policy is an entry.
"$program" serve --config serve.yaml >serve.out 2>&1 &
server=$!
for ((i = 0; i < 100; ++i)); do
  if grep -q "no quorum of witnesses says what it remembers" serve.out; then break; fi
  sleep 0.1
done
((i < 100)) || die "the log does not wait for its witness" "$work/serve.out"
say "ok: without its witness the log does not start"
size=$((first + 1))
start_witness
witnessed "$size"
say "ok: litewitness, back again, has cosigned its growth, by a consistency proof of ours"
