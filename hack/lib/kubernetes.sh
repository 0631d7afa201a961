# Kubernetes 1.20.2 built from Debian's source package, kept in the cache.
# Source it after common.sh and deps.sh.
# shellcheck shell=bash

KUBERNETES_VERSION=1.20.2
KUBERNETES_PARTS=(kube-apiserver kube-scheduler kube-controller-manager kubelet kube-proxy kubectl)
# Raise the number after the version when the way of building changes.
KUBERNETES_DIR=$CACHE_DIR/kubernetes-$KUBERNETES_VERSION-4
GO_BIN=/usr/lib/go-1.19/bin

# private_source_apt DIR ARGUMENTS...: apt-get that sees source packages,
# by entries derived from the machine's own; the system's files stay as they are.
private_source_apt() {
  local dir=$1
  shift
  apt_get -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$dir/sources.list.d" \
    -o "Dir::State::Lists=$dir/lists" -o "Dir::Cache=$dir/cache" \
    -o APT::Sandbox::User=root "$@"
}

fetch_kubernetes_source() {
  local dir=$1
  private_source_apt "$dir" update || return 1
  (cd "$dir" && private_source_apt "$dir" source --download-only kubernetes) || return 1
  compgen -G "$dir/kubernetes_*$KUBERNETES_VERSION*.orig.tar.*" >/dev/null || {
    echo "Debian's source package is not $KUBERNETES_VERSION"
    return 1
  }
}

# renew_reflect2 DIR TREE: the vendored reflect2 1.0.1 iterates maps by a signature
# that Go 1.18 changed, so the API server dies of the first custom resource.
# Debian's 1.0.2 of the same library works with both.
renew_reflect2() {
  local dir=$1 vendored=$2/vendor/github.com/modern-go/reflect2
  local package=golang-github-modern-go-reflect2-dev
  (cd "$dir" && apt_get download -o APT::Sandbox::User=root "$package" && dpkg --extract "$package"_*.deb reflect2) || return 1
  rm -f "$vendored"/*.go "$vendored"/*.s
  cp "$dir"/reflect2/usr/share/gocode/src/github.com/modern-go/reflect2/*.{go,s} "$vendored"
}

# Without the drivers of clouds and of Docker, which nothing here uses, and without debugging information, which the
# linker would drop: together nearly a third of the work, and a third of the programs' bytes. Its compiler collects less
# garbage than it would by itself. Of its generated files the
# source lacks one.
compile_kubernetes() {
  local dir=$1 tree=$1/go/src/k8s.io/kubernetes
  mkdir -p "$tree"
  tar --extract --strip-components=1 --directory="$tree" \
    --file="$(compgen -G "$dir/kubernetes_*.orig.tar.*" | head -1)" || return 1
  renew_reflect2 "$dir" "$tree" || return 1
  (
    cd "$tree" &&
      env PATH="$GO_BIN:$PATH" GOPATH="$dir/go" GOCACHE="$dir/gocache" GO111MODULE=off GOTOOLCHAIN=local \
      CGO_ENABLED=0 GOGC=400 GOFLAGS=-tags=providerless,dockerless GOLDFLAGS='-s -w' GOGCFLAGS=all=-dwarf=false \
      KUBE_GIT_VERSION=v$KUBERNETES_VERSION KUBE_GIT_MAJOR=1 KUBE_GIT_MINOR=20 KUBE_GIT_TREE_STATE=archive \
      bash -ec 'make gen_openapi && hack/make-rules/build.sh "$@"' make "${KUBERNETES_PARTS[@]/#/cmd/}"
  )
}

build_kubernetes() {
  local work=$CACHE_DIR/build-kubernetes log=$CACHE_DIR/logs/kubernetes.log part
  is_sealed "$KUBERNETES_DIR" && return 0
  require_space 6 "$CACHE_DIR"
  rm -rf "$work" "$KUBERNETES_DIR"
  mkdir -p "$work"
  : >"$log"
  say "fetching the source of Kubernetes $KUBERNETES_VERSION from Debian (log: $log)"
  mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
  write_apt_entries deb-src "$work/sources.list.d"
  quietly "$log" fetch_kubernetes_source "$work" || die "cannot fetch Debian's kubernetes source package: is the network there?" "$log"
  say "building Kubernetes $KUBERNETES_VERSION: 4 to 6 minutes, once (log: $log)"
  quietly "$log" compile_kubernetes "$work" || die "building Kubernetes failed" "$log"
  rm -rf "$KUBERNETES_DIR.new"
  mkdir -p "$KUBERNETES_DIR.new"
  for part in "${KUBERNETES_PARTS[@]}"; do
    install -m 0755 "$work/go/src/k8s.io/kubernetes/_output/local/bin/linux/"*/"$part" "$KUBERNETES_DIR.new/$part"
  done
  seal_dir "$KUBERNETES_DIR.new"
  mv "$KUBERNETES_DIR.new" "$KUBERNETES_DIR"
  chmod -R u+w "$work"
  rm -rf "$work"
  say "Kubernetes $KUBERNETES_VERSION is in $KUBERNETES_DIR"
}

# ensure_kubernetes: all parts in $KUBERNETES_DIR, checked; builds them if not.
ensure_kubernetes() {
  mkdir -p "$CACHE_DIR/logs"
  take_lock "$CACHE_DIR/kubernetes.lock"
  build_kubernetes
  release_lock
}
