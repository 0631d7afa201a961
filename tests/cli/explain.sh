#!/usr/bin/env bash
# Tests `kubectl avouch explain node` with a boot log, and that a terminal sees progress. Usage: explain.sh PROGRAM VECTORS
set -euo pipefail
# shellcheck source=tests/cli/expect.sh
source "$(dirname "${BASH_SOURCE[0]}")/expect.sh"

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PROGRAM=$1 VECTORS=$2
export PATH=$HERE:$PATH ANSWER='404 {"code":"NotKept"}'
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

keys=(--vkey "$VECTORS/tlog/log/log.vkey" --verifier-keys "$VECTORS/tlog/proofs/verifier.pem" --origin log.example.org/avouch)

expect() { expect_run "$1" "$2" "$PROGRAM" "${@:3}" "${keys[@]}"; }

# kept FILE [DIGEST]: what the controller answers of an object of the record: its bytes at offset 0, behind them no more.
kept() {
  local digest=${2:-$(sha256sum "$1" | cut -d ' ' -f 1)}
  printf '/sha256:%s?node=n1&offset=0 200 @%s\n/sha256:%s 200 \n' "$digest" "$1" "$digest"
}

record=$VECTORS/record
log=$VECTORS/bootlogs/good.bin
token=$(base64 -d "$record/token" | sha256sum | cut -d ' ' -f 1)
reason='{"code":"BootImageUnknown","severity":"contraindicated","message":"no manifest knows it","event":{"pcr":4,"number":24}}'
served="/token 201 {\"status\":{\"token\":\"t0\",\"expirationTimestamp\":\"2027-01-01T00:00:00Z\"}}
/nodes/n1 200 {\"metadata\":{\"name\":\"n1\",\"uid\":\"uid-1\"}}
/attestationevidences/n1 200 {\"metadata\":{\"name\":\"n1\"},\"status\":{\"phase\":\"Contraindicated\",\"verdict\":{\"token\":\"$(<"$record/token")\",\"reasons\":[$reason]}}}
/attestationpolicies 200 {\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[]}
/v1/records/sha256:$token 200 @$record/record.json"
for object in "$record"/sha256-*; do served+=$'\n'$(kept "$object" "${object##*-}"); done

ANSWERS="$served
$(kept "$log")"
export ANSWERS
expect 0 "event 24 of the boot log, PCR 4" explain node n1
expect 0 "^>>> 24 .* <- BootImageUnknown$" explain node n1
expect 0 "^    23 " explain node n1 # no other is marked
expect 0 '^ +- "BootImageUnknown"$' explain node n1 --log
expect 0 '"BootImageUnknown"' explain node n1 --log -o json
expect 0 '"bootLog"' explain node n1 -o json
# The whole log, and nothing but it: each form can be read by other programs.
"$PROGRAM" explain node n1 --log "${keys[@]}" >"$scratch/log.yaml"
"$PROGRAM" explain node n1 --log -o json "${keys[@]}" >"$scratch/log.json"
python3 - "$scratch" <<'END' || failed=1
import json, sys, yaml
folder = sys.argv[1]
as_json = json.load(open(f"{folder}/log.json", encoding="utf-8"))
as_yaml = yaml.safe_load(open(f"{folder}/log.yaml", encoding="utf-8"))
marked = [event for event in as_json["events"] if event.get("reasons")]
if as_json != as_yaml or len(as_json["events"]) != 53 or [event["number"] for event in marked] != [24]:
    sys.exit(f"FAILED: explain --log: {len(as_json['events'])} events, marked {marked}, same as YAML: {as_json == as_yaml}")
END

# What is not what the record names is not shown.
cp "$log" "$scratch/other.bin"
printf 'x' >>"$scratch/other.bin"
digest=$(sha256sum "$log" | cut -d ' ' -f 1)
ANSWERS="$served
$(kept "$scratch/other.bin" "$digest")" expect 4 'boot log of node "n1": .*has other bytes' explain node n1 --log
ANSWERS=$served expect 4 'boot log of node "n1": .*is not kept any more' explain node n1 --log
ANSWERS=$served expect 0 "note: no boot log is shown: .*not kept any more" explain node n1

# Long work tells a terminal what it is at. The file is sparse; whoever has seen the line ends the program.
mkdir "$scratch/tree"
truncate -s 4G "$scratch/tree/large"
python3 - "$PROGRAM" "$scratch/tree" <<'END' || failed=1
import os, pty, select, subprocess, sys, time
ours, theirs = pty.openpty()
command = [sys.argv[1], "reference", "from-rootfs", "--name", "a", sys.argv[2]]
running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=theirs)
os.close(theirs)
seen, end = b"", time.monotonic() + 60
while b"... hashing" not in seen and time.monotonic() < end:
    if not select.select([ours], [], [], 1)[0]:
        continue
    try:
        seen += os.read(ours, 4096)
    except OSError:  # the program has ended
        break
running.kill()
running.wait()
if b"... hashing" not in seen:
    sys.exit(f"FAILED: a terminal sees no progress of from-rootfs: {seen!r}")
END
exit "$failed"
