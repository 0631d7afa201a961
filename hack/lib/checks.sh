# Narration and assertions of the demo. Source it after common.sh.
# shellcheck shell=bash

held=0

# part LETTER TEXT: a heading.
part() { printf '\n\033[1m%s. %s\033[0m\n' "$1" "$2"; }

# check TEXT COMMAND...: one assertion that must hold now.
check() {
  local text=$1 log=$STATE/demo-check.log
  shift
  if ! "$@" >"$log" 2>&1; then
    die "does not hold: $text (${*:1:3} ...)" "$log"
  fi
  held=$((held + 1))
  printf '  [%4ds] ok: %s\n' "$SECONDS" "$text"
}

milliseconds() {
  local now=${EPOCHREALTIME/[.,]/}
  echo "${now%???}"
}

# eventually SECONDS TEXT COMMAND...: one assertion that must hold within a time.
eventually() {
  local limit=$1 text=$2 log=$STATE/demo-check.log began
  began=$(milliseconds)
  shift 2
  until "$@" >"$log" 2>&1; do
    if (($(milliseconds) - began >= limit * 1000)); then
      die "does not hold after $limit s: $text (${*:1:3} ...)" "$log"
    fi
    sleep 0.3
  done
  held=$((held + 1))
  began=$(($(milliseconds) - began))
  printf '  [%4ds] ok after %d.%d s: %s\n' "$SECONDS" $((began / 1000)) $((began % 1000 / 100)) "$text"
}

# refused PATTERN COMMAND...: the command fails and says something that matches.
refused() {
  local pattern=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "was not refused: $* ($output)"
    return 1
  fi
  printf '%s\n' "$output"
  grep --quiet --extended-regexp "$pattern" <<<"$output"
}

# same VALUE COMMAND...: the command prints exactly VALUE.
same() {
  local expected=$1 got
  shift
  got=$("$@") || return 1
  echo "expected '$expected', got '$got'"
  [[ $got == "$expected" ]]
}
