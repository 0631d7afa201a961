# Builds with CMake, outside the tree. Source it after common.sh.
# shellcheck shell=bash source=hack/lib/common.sh

# One build folder for each checkout and preset, so that two checkouts never share one.
build_dir() {
  local checkout
  checkout=$(printf '%s' "$REPO_DIR" | sha256sum | cut -c1-12)
  # shellcheck disable=SC2153
  printf '%s/build/%s/%s\n' "$CACHE_DIR" "$checkout" "$1"
}

# build PRESET LOG [TARGET...]: configures, and builds these targets, or everything.
build() {
  local preset=$1 log=$2 dir
  shift 2
  dir=$(build_dir "$preset")
  mkdir -p "$dir"
  export CCACHE_DIR=${CCACHE_DIR:-$CACHE_DIR/ccache} CCACHE_BASEDIR=$REPO_DIR CCACHE_NOHASHDIR=1
  (cd "$REPO_DIR" && quietly "$log" cmake --preset "$preset" -B "$dir") &&
    quietly "$log" cmake --build "$dir" ${1:+--target "$@"}
}
