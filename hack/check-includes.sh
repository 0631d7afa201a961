#!/usr/bin/env bash
# Checks that every folder includes and links only what the table in src/README.md allows it.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python3 "$HERE/lib/check_includes_test.py"
python3 "$HERE/lib/check_includes.py" "$(dirname "$HERE")"
