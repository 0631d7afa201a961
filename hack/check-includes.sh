#!/usr/bin/env bash
# Checks that every folder includes and links only what the table in src/README.md allows it, and that no two files of
# one have a hidden function of one name.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for rules in includes names; do
  python3 "$HERE/lib/check_${rules}_test.py"
  python3 "$HERE/lib/check_$rules.py" "$(dirname "$HERE")"
done
