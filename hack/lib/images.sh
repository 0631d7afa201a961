# Images without a registry: built with buildah, brought into each node's
# containerd as archives. Source it after node.sh.
# shellcheck shell=bash

IMAGE_DIR=$CACHE_DIR/images
BASE_IMAGE=localhost/avouch/base:bookworm

# image_archive NAME TAG
image_archive() { echo "$IMAGE_DIR/$(tr '/' '_' <<<"$1")_$2.tar"; }

# buildah keeps its store in the cache, and its mounts in a namespace that ends
# with it.
run_buildah() {
  local driver=overlay
  mkdir -p "$CACHE_DIR/buildah"
  [[ $(stat -f -c %T "$CACHE_DIR") != overlayfs ]] || driver=vfs
  unshare --mount --propagation private buildah --root "$CACHE_DIR/buildah/root" \
    --runroot "$CACHE_DIR/buildah/run" --storage-driver "$driver" "$@"
}

# build_image NAME TAG DOCKERFILE CONTEXT [BUILD OPTION...]: builds the image
# and leaves it as an archive in the cache. BASE is given to the Dockerfile.
build_image() {
  local name=$1 tag=$2 dockerfile=$3 context=$4 archive log id
  shift 4
  archive=$(image_archive "$name" "$tag")
  log=$CACHE_DIR/logs/image-$(basename "$archive" .tar).log
  mkdir -p "$IMAGE_DIR" "$CACHE_DIR/logs"
  if grep -q '^ARG BASE' "$dockerfile"; then
    ensure_base_image
    set -- --build-arg "BASE=$BASE_IMAGE" "$@"
  fi
  : >"$log"
  quietly "$log" run_buildah bud --isolation chroot --layers --tag "$name:$tag" --file "$dockerfile" "$@" "$context" ||
    die "building image $name:$tag failed" "$log"
  id=$(run_buildah inspect --format '{{.FromImageID}}' "$name:$tag")
  [[ ! -s $archive || ! -s $archive.id || $(<"$archive.id") != "$id" ]] || return 0
  rm -f "$archive.new" "$archive.id"
  quietly "$log" run_buildah push --disable-compression "$name:$tag" "oci-archive:$archive.new:$name:$tag" ||
    die "exporting image $name:$tag failed" "$log"
  mv "$archive.new" "$archive"
  echo "$id" >"$archive.id"
}

require_nodes() {
  [[ -s $STATE/node-count ]] ||
    die "cluster $CLUSTER has no nodes to bring images into: run hack/cluster.sh up --name $CLUSTER first"
}

# load_image NAME TAG [NODE...]: into the given nodes, or all, at the same time.
load_image() {
  local name=$1 tag=$2 archive node pid
  local -a pids=() nodes=()
  shift 2
  require_nodes
  archive=$(image_archive "$name" "$tag")
  [[ -s $archive ]] || die "no image $name:$tag in $IMAGE_DIR: build it first"
  nodes=("$@")
  ((${#nodes[@]})) || mapfile -t nodes < <(for number in $(each_node); do node_name "$number"; done)
  for node in "${nodes[@]}"; do
    in_node "$node" ctr --namespace k8s.io images import - <"$archive" >>"$LOGS/$node-images.log" 2>&1 &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do
    wait "$pid" || die "loading image $name:$tag failed; see $LOGS/*-images.log"
  done
}

# release_images DIR TAG: builds and loads an image for each deployable. Its
# Dockerfile finds the stripped program in the build context. That of avouch-log
# is built where the program is, and stays an archive: no cluster runs it.
release_images() {
  local bin=$1 tag=$2 entry folder component context
  local -a entries=(operator:controller webhook:webhook agent:agent)
  require_nodes
  [[ ! -x $bin/avouch-log ]] || entries+=(log:log)
  for entry in "${entries[@]}"; do
    folder=${entry%:*} component=${entry#*:}
    [[ -x $bin/avouch-$folder ]] || die "no program $bin/avouch-$folder: build it first"
    say "image localhost/avouch/$component:$tag"
    context=$(mktemp -d "$CACHE_DIR/context.XXXXXX")
    strip -o "$context/avouch-$folder" "$bin/avouch-$folder"
    touch -d @0 "$context/avouch-$folder"
    build_image "localhost/avouch/$component" "$tag" "$REPO_DIR/$folder/Dockerfile" "$context"
    rm -rf "$context"
    [[ $component == log ]] || load_image "localhost/avouch/$component" "$tag"
  done
}

# --- the base image of the project's Dockerfiles: a minimal Debian ---

# The mirror that this machine's own apt uses for its own release.
debian_mirror() {
  # shellcheck disable=SC2016
  apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' |
    awk -v suite="$1" '$1 == suite && $2 == "main" {print $3; exit}'
}

build_base_image() {
  local suite=$1 dir=$2 log=$CACHE_DIR/logs/base-image.log mirror
  is_sealed "$dir" && run_buildah inspect "$BASE_IMAGE" >/dev/null 2>&1 && return 0
  if ! is_sealed "$dir"; then
    mirror=$(debian_mirror "$suite")
    [[ -n $mirror ]] || die "apt names no mirror for $suite: run apt-get update"
    say "making the base image of Debian $suite with debootstrap: half a minute, once (log: $log)"
    : >"$log"
    quietly "$log" unshare --mount --propagation private bash "$HACK_DIR/lib/make_base_rootfs.sh" \
      "$suite" "$mirror" "$CACHE_DIR/base-work" || die "debootstrap failed" "$log"
    rm -rf "$dir"
    mkdir -p "$dir"
    tar --create --numeric-owner --one-file-system --file "$dir/rootfs.tar" --directory "$CACHE_DIR/base-work" .
    rm -rf "$CACHE_DIR/base-work"
    seal_dir "$dir"
  fi
  printf 'FROM scratch\nADD rootfs.tar /\nCMD ["/bin/sh"]\n' |
    quietly "$log" run_buildah bud --isolation chroot --tag "$BASE_IMAGE" --file - "$dir" || die "importing the base image failed" "$log"
}

ensure_base_image() {
  local suite version
  # shellcheck source=/dev/null
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME:?}")
  version=$(cat /etc/debian_version)
  take_lock "$CACHE_DIR/base-image.lock"
  build_base_image "$suite" "$CACHE_DIR/base-$suite-${version//\//-}"
  release_lock
}

# --- small images for the cluster itself and for tests ---

# copy_program FILE ROOT: with the libraries that it loads.
copy_program() {
  local file
  mkdir -p "$2/bin"
  cp "$1" "$2/bin/"
  while read -r file; do
    mkdir -p "$2$(dirname "$file")"
    cp "$file" "$2$file"
  done < <(ldd "$1" 2>/dev/null | grep -oE '/[^ ]+' || true)
}

# small_image NAME TAG FOLDER: built again only if FOLDER changed.
small_image() {
  local name=$1 tag=$2 folder=$3 archive key context
  archive=$(image_archive "$name" "$tag")
  key=$(cat "$folder"/* | sha256sum | cut -d' ' -f1)
  [[ -s $archive && -s $archive.key && $(<"$archive.key") == "$key" ]] && return 0
  say "building image $name:$tag"
  context=$(mktemp -d "$CACHE_DIR/context.XXXXXX")
  cp "$folder"/* "$context"
  case $folder in
    */sleep) cc -O2 -static -s -o "$context/sleep" "$context/sleep.c" || die "cannot compile $folder/sleep.c" ;;
    */busybox) mkdir "$context/root" && copy_program /bin/busybox "$context/root" && copy_program "$(command -v curl)" "$context/root" ;;
  esac
  build_image "$name" "$tag" "$context/Dockerfile" "$context"
  rm -rf "$context"
  echo "$key" >"$archive.key"
}

ensure_small_images() {
  mkdir -p "$IMAGE_DIR"
  take_lock "$CACHE_DIR/small-images.lock"
  small_image localhost/avouch-test/pause 1 "$HACK_DIR/images/sleep"
  small_image localhost/avouch-test/sleep 1 "$HACK_DIR/images/sleep"
  small_image localhost/avouch-test/busybox 1 "$HACK_DIR/images/busybox"
  release_lock
}
