#!/usr/bin/env bash
# Formats the C++ sources with clang-format (.clang-format).
#
#   hack/format.sh [--check] [FILE...]    --check changes nothing and fails where something would change
#
# Without files: all that git knows or would add.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

mode=(-i)
if [[ ${1:-} == --check ]]; then
  mode=(--dry-run --Werror)
  shift
fi

files=("$@")
if ((${#files[@]} == 0)); then
  mapfile -t files < <(git ls-files --cached --others --exclude-standard -- '*.cc' '*.h' | while read -r file; do
    if [[ -f $file ]]; then echo "$file"; fi
  done)
fi
if ((${#files[@]} == 0)); then
  echo "no C++ files"
  exit 0
fi
printf '%s\0' "${files[@]}" | xargs -0 -n 40 -P "$(nproc)" clang-format --style=file "${mode[@]}"
echo "${#files[@]} files: formatted"
