#!/usr/bin/env bash
# Runs the commands of docs/walkthrough.md as they stand: every block marked `sh` in one shell, in order, and those
# marked `sh refused` in the hope of a denial. The cluster is named `walkthrough`, so that one of yours is left alone.
#
#   tests/docs/walkthrough.sh [--list]    --list only prints what would run
set -euo pipefail

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
DOCUMENT=$REPO/docs/walkthrough.md
DENIAL='denied the request: node "node-2" does not satisfy AttestationPolicy "production"'

# The document as one script.
script() {
  awk -v denial="$DENIAL" '
    /^```sh refused$/ { refused = 1; print "echo; echo \"== line " NR " of the walkthrough, to be denied\"\nif output=$( {"; inside = 1; next }
    /^```sh$/ { print "echo; echo \"== line " NR " of the walkthrough\""; inside = 1; next }
    /^```/ && inside {
      if (refused) {
        print "} 2>&1 ); then echo \"was not denied: $output\"; exit 1; fi"
        print "printf \"%s\\n\" \"$output\"; grep --quiet --fixed-strings '\''" denial "'\'' <<<\"$output\""
      }
      inside = refused = 0
      next
    }
    inside { print }' "$DOCUMENT"
}

if [[ ${1:-} == --list ]]; then
  script
  exit
fi
[[ $(id -u) == 0 ]] || { echo "must run as root"; exit 1; }
export AVOUCH_CLUSTER=walkthrough
cd "$REPO"
trap 'rm -f policy.json; hack/cluster.sh down' EXIT
began=$SECONDS
bash -euo pipefail -c "$(script)"
echo "the walkthrough holds, in $((SECONDS - began)) s"
