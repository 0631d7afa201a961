# Builds with CMake, outside the tree. Source it after common.sh.
# shellcheck shell=bash source=hack/lib/common.sh

# One build folder for each checkout and preset, so that two checkouts never share one.
build_dir() {
  local checkout
  checkout=$(printf '%s' "$REPO_DIR" | sha256sum | cut -c1-12)
  # shellcheck disable=SC2153
  printf '%s/build/%s/%s\n' "$CACHE_DIR" "$checkout" "$1"
}

# configure PRESET LOG
configure() {
  local dir
  dir=$(build_dir "$1")
  mkdir -p "$dir"
  (cd "$REPO_DIR" && quietly "$2" cmake --preset "$1" -B "$dir")
}

# build PRESET LOG [TARGET...]: configures, and builds these targets, or everything.
build() {
  local preset=$1 log=$2
  shift 2
  export CCACHE_DIR=${CCACHE_DIR:-$CACHE_DIR/ccache} CCACHE_BASEDIR=$REPO_DIR CCACHE_NOHASHDIR=1
  configure "$preset" "$log" &&
    quietly "$log" cmake --build "$(build_dir "$preset")" ${1:+--target "$@"}
}
