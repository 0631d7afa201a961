# Helpers that every script in hack/ shares. Source it; do not run it.
# shellcheck shell=bash
# shellcheck disable=SC2034

HACK_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
REPO_DIR=$(dirname "$HACK_DIR")

# Downloads and builds that outlive a cluster; safe to delete at any time.
CACHE_DIR=${AVOUCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/avouch}
# Running clusters, one folder each.
STATE_ROOT=${AVOUCH_STATE:-/var/tmp/avouch}

# say MESSAGE...: one line of progress with the seconds since the script began.
say() { printf '[%4ds] %s\n' "$SECONDS" "$*"; }

warn() { printf '[%4ds] warning: %s\n' "$SECONDS" "$*" >&2; }

# die MESSAGE [LOG]: ends the script; shows the end of LOG when there is one.
die() {
  printf '[%4ds] error: %s\n' "$SECONDS" "$1" >&2
  if [[ -n ${2:-} ]]; then
    if [[ -s $2 ]]; then
      printf '  last lines of %s:\n' "$2" >&2
      tail -n 15 "$2" | sed 's/^/  | /' >&2
    else
      printf '  log (empty): %s\n' "$2" >&2
    fi
  fi
  exit 1
}

require_root() {
  [[ $EUID -eq 0 ]] || die "this needs root: network namespaces, cgroups and mounts; run it with sudo"
}

require_debian() {
  [[ -x /usr/bin/apt-get && -e /etc/debian_version ]] ||
    die "this needs Debian 12 or newer: it installs Debian packages with apt-get"
}

# require_space GIB FOLDER...: each on a file system with that much left.
require_space() {
  local gib=$1 folder left
  shift
  for folder in "$@"; do
    mkdir -p "$folder" || die "cannot make $folder: set AVOUCH_CACHE and AVOUCH_STATE to folders that can be written"
    left=$(df --output=avail --block-size=1M "$folder" | tail -n 1)
    ((left >= gib * 1024)) ||
      die "$folder has $((left / 1024)) GiB left, $gib GiB are needed: make room, or set AVOUCH_CACHE or AVOUCH_STATE to a folder elsewhere"
  done
}

# wait_for SECONDS WHAT LOG COMMAND...: polls COMMAND until it succeeds.
wait_for() {
  local limit=$1 what=$2 log=$3 deadline
  shift 3
  deadline=$((SECONDS + limit))
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < deadline)) || die "$what: not there after $limit s" "$log"
    sleep 0.2
  done
}

# quietly LOG COMMAND...: runs COMMAND with its output in LOG; fails with it.
quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  "$@" >>"$log" 2>&1
}

# take_lock FILE: held until the script ends; daemons close LOCK_FD.
take_lock() {
  mkdir -p "$(dirname "$1")"
  exec {LOCK_FD}>"$1"
  if ! flock --nonblock "$LOCK_FD"; then
    say "waiting for another run that holds $1"
    flock "$LOCK_FD"
  fi
}

release_lock() { exec {LOCK_FD}>&-; }

# A folder is complete when its marker lists the sha256 of each of its files
# and all of them still match.
seal_dir() {
  (
    cd "$1" || exit
    find . -type f ! -name '.complete*' -print0 | sort -z | xargs -0 sha256sum >.complete.new
    mv .complete.new .complete
  )
}
is_sealed() {
  [[ -s $1/.complete ]] && (cd "$1" && sha256sum --check --quiet --strict .complete) >/dev/null 2>&1
}

# A command that fails where nobody handles it says which one it was.
set -o errtrace
trap 'warn "failed at ${BASH_SOURCE[0]##*/}:$LINENO: $BASH_COMMAND"' ERR
