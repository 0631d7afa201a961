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
  load NAME TAG [NODE...]              bring it into nodes of the cluster
                                       (AVOUCH_CLUSTER names it; default)
  archive NAME TAG                     print where the image's archive is
END
}

require_root
name_cluster "${AVOUCH_CLUSTER:-default}"
case ${1:-} in
  base) ensure_base_image && echo "$BASE_IMAGE" ;;
  build) (($# >= 5)) || { usage >&2 && exit 2; } && build_image "${@:2}" ;;
  load) (($# >= 3)) || { usage >&2 && exit 2; } && load_image "${@:2}" ;;
  archive) (($# == 3)) || { usage >&2 && exit 2; } && image_archive "$2" "$3" ;;
  *) usage ;;
esac
