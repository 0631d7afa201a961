#!/usr/bin/env bash
# Runs clang-tidy (.clang-tidy) over the libraries and programs.
#
#   hack/tidy.sh BUILD_DIR [FILE...]    BUILD_DIR has been configured; without files: all of them
#
# A file that was clean is looked at again only when it, a header of it, its flags or the checks have changed; in a build
# that compiles forty files as one, that goes for the forty.
set -euo pipefail

# shellcheck source=hack/lib/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

[[ -s ${1:-}/compile_commands.json ]] ||
  die "no compile_commands.json in '${1:-}': configure first, as in cmake --preset dev, and name its folder (build/dev)"
exec python3 "$HACK_DIR/lib/tidy.py" --repository "$REPO_DIR" --build "$1" --cache "$CACHE_DIR/tidy" "${@:2}"
