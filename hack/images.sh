#!/bin/bash
# Builds images without a registry and brings them into the cluster's nodes.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for library in common deps kubernetes cluster_names process certificates control_plane tpm node images; do
  # shellcheck source=/dev/null
  . "$HERE/lib/$library.sh"
done

usage() {
  cat <<'END'
Usage: hack/images.sh COMMAND

  base                                 make the base image that Dockerfiles get
                                       as the build argument BASE
  build NAME TAG DOCKERFILE CONTEXT [OPTION...]
                                       build an image; OPTIONs go to buildah bud
  release --bin DIR [--tag TAG]        build the images of the release from the
                                       programs in DIR and load them:
                                       localhost/avouch/controller, webhook and
                                       agent, with TAG (dev); and build log, if
                                       DIR has avouch-log
  load NAME TAG [NODE...]              bring it into nodes of the cluster
  archive NAME TAG                     print where the image's archive is

--name NAME, or AVOUCH_CLUSTER, says which cluster (default).
END
}

command_release() {
  local bin='' tag=dev
  while (($#)); do
    case $1 in
      --bin) bin=${2:?--bin needs a folder} && shift 2 ;;
      --tag) tag=${2:?--tag needs a tag} && shift 2 ;;
      *) die "release: unknown option '$1'" ;;
    esac
  done
  [[ -d $bin ]] || die "release: --bin '$bin' is no folder"
  release_images "$bin" "$tag"
}

require_root
cluster=${AVOUCH_CLUSTER:-default}
arguments=()
while (($#)); do
  case $1 in
    --name) cluster=${2:?--name needs a name} && shift 2 ;;
    *) arguments+=("$1") && shift ;;
  esac
done
set -- "${arguments[@]}"
name_cluster "$cluster"
case ${1:-} in
  base) ensure_base_image && echo "$BASE_IMAGE" ;;
  build) (($# >= 5)) || { usage >&2 && exit 2; } && build_image "${@:2}" ;;
  release) command_release "${@:2}" ;;
  load) (($# >= 3)) || { usage >&2 && exit 2; } && load_image "${@:2}" ;;
  archive) (($# == 3)) || { usage >&2 && exit 2; } && image_archive "$2" "$3" ;;
  *) usage ;;
esac
